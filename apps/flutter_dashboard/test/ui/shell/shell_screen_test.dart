import 'package:flutter/material.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_dashboard/ui/core/watched.dart';
import 'package:flutter_dashboard/ui/shell/place.dart';
import 'package:flutter_dashboard/ui/shell/shell_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';

void main() {
  late List<String> heard;
  late ValueNotifier<bool> hasGrids;

  setUp(() {
    heard = [];
    hasGrids = ValueNotifier(true);
    addTearDown(hasGrids.dispose);
  });

  Future<void> show(
    WidgetTester tester, {
    Size size = phone,
    List<Place> places = const [Place.dashboard, Place.grids, Place.alerts],
  }) async {
    tester.view
      ..devicePixelRatio = 1
      ..physicalSize = size;
    addTearDown(tester.view.reset);
    await tester.pumpWidget(
      MaterialApp(
        localizationsDelegates: WordsDelegate.all,
        home: ShellScreen(
          destinations: [
            for (final place in places)
              Destination(
                place,
                (context) => _Screen(place, heard),
                isThere: place == Place.grids ? hasGrids : null,
              ),
          ],
        ),
      ),
    );
  }

  Future<void> goTo(WidgetTester tester, String name) async {
    await tester.tap(find.text(name));
    await tester.pumpAndSettle();
  }

  testWidgets(
    'a place is built when somebody goes there, and keeps its state',
    (tester) async {
      await show(tester);
      expect(heard, ['dashboard is watched']);
      await tester.tap(find.text('dashboard 0'));
      await goTo(tester, 'Alerts');
      await goTo(tester, 'Dashboard');

      expect(find.text('dashboard 1'), findsOneWidget);
      expect(find.text('alerts 0'), findsNothing);
    },
  );

  testWidgets('a place hears whether it is looked at', (tester) async {
    await show(tester);
    heard.clear();
    await goTo(tester, 'Alerts');
    expect(heard, ['dashboard is left', 'alerts is watched']);

    heard.clear();
    await goTo(tester, 'Dashboard');
    expect(heard, unorderedEquals(['alerts is left', 'dashboard is watched']));
  });

  testWidgets('nobody looks while the app is hidden, or a page lies over it', (
    tester,
  ) async {
    await show(tester);
    heard.clear();
    tester.binding
      ..handleAppLifecycleStateChanged(AppLifecycleState.inactive)
      ..handleAppLifecycleStateChanged(AppLifecycleState.hidden);
    expect(heard, ['dashboard is left']);
    tester.binding.handleAppLifecycleStateChanged(AppLifecycleState.inactive);
    expect(heard.last, 'dashboard is watched');
    tester.binding.handleAppLifecycleStateChanged(AppLifecycleState.resumed);

    heard.clear();
    final navigator = tester.state<NavigatorState>(find.byType(Navigator));
    navigator.push(MaterialPageRoute<void>(builder: (_) => const SizedBox()));
    await tester.pumpAndSettle();
    expect(heard, ['dashboard is left']);
    navigator.pop();
    await tester.pumpAndSettle();
    expect(heard.last, 'dashboard is watched');
  });

  testWidgets('a place that goes away leads back to the first', (tester) async {
    await show(tester);
    await goTo(tester, 'Grids');
    expect(find.text('grids 0'), findsOneWidget);

    hasGrids.value = false;
    await tester.pumpAndSettle();
    expect(find.text('Grids'), findsNothing);
    expect(find.text('dashboard 0'), findsOneWidget);
  });

  testWidgets('going back leads to the first place, and then out', (
    tester,
  ) async {
    await show(tester);
    await goTo(tester, 'Alerts');
    final navigator = tester.state<NavigatorState>(find.byType(Navigator));
    expect(await navigator.maybePop(), isTrue);
    await tester.pumpAndSettle();

    expect(find.text('dashboard 0'), findsOneWidget);
    expect(await navigator.maybePop(), isFalse);
  });

  testWidgets('one place leads to another', (tester) async {
    await show(tester);
    ShellScreen.goTo(tester.element(find.text('dashboard 0')), Place.alerts);
    await tester.pumpAndSettle();

    expect(find.text('alerts 0'), findsOneWidget);
  });

  testWidgets('turning the phone keeps what is on it', (tester) async {
    await show(tester);
    await tester.tap(find.text('dashboard 0'));
    expect(find.byType(NavigationBar), findsOneWidget);
    tester.view.physicalSize = phone.flipped;
    await tester.pumpAndSettle();

    expect(find.byType(NavigationRail), findsOneWidget);
    expect(find.byType(NavigationBar), findsNothing);
    expect(find.text('dashboard 1'), findsOneWidget);
  });

  testWidgets('where there are too many places, the last are behind a button', (
    tester,
  ) async {
    await show(tester, places: Place.values);
    expect(find.text('Energy'), findsNothing);
    await goTo(tester, 'More');
    await goTo(tester, 'Settings');
    expect(find.text('settings 0'), findsOneWidget);

    await goTo(tester, 'More');
    await goTo(tester, 'Energy');
    expect(find.text('energy 0'), findsOneWidget);
  });

  for (final (size, isExtended) in [(tablet, false), (desktop, true)]) {
    testWidgets('a screen of ${size.width} has a rail', (tester) async {
      await show(tester, size: size);
      final rail = tester.widget<NavigationRail>(find.byType(NavigationRail));

      expect(rail.extended, isExtended);
      expect(find.text('Alerts'), findsOneWidget);
    });
  }

  testWidgets('a single place needs no navigation', (tester) async {
    await show(tester, places: [Place.dashboard]);

    expect(find.byType(NavigationBar), findsNothing);
    expect(find.byType(NavigationRail), findsNothing);
    expect(find.text('dashboard 0'), findsOneWidget);
  });
}

/// Counts taps, and tells when it is looked at.
class _Screen extends StatefulWidget {
  const _Screen(this.place, this.heard);

  final Place place;
  final List<String> heard;

  @override
  State<_Screen> createState() => _ScreenState();
}

class _ScreenState extends State<_Screen> with WatchedState {
  int _taps = 0;

  @override
  void onWatched() => widget.heard.add('${widget.place.name} is watched');

  @override
  void onUnwatched() => widget.heard.add('${widget.place.name} is left');

  @override
  Widget build(BuildContext context) => Center(
    child: TextButton(
      onPressed: () => setState(() => _taps++),
      child: Text('${widget.place.name} $_taps'),
    ),
  );
}
