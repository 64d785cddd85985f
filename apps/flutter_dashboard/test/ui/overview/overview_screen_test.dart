import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/grid_standing.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/dashboard/dashboard_screen.dart';
import 'package:flutter_dashboard/ui/overview/grid_card.dart';
import 'package:flutter_dashboard/ui/overview/overview_view_model.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';
import '../../../testing/fakes/overviews.dart';
import '../../../testing/models.dart';

void main() {
  late TestApp app;

  setUp(() {
    app = TestApp();
    app.grids.gridsAnswer = const Ok([
      kGrid,
      Grid(id: 'village-3', name: 'Mbita Point'),
    ]);
  });

  void shown(String description, Future<void> Function(WidgetTester) body) =>
      testWidgets(description, (tester) async {
        await body(tester);
        await TestApp.close(tester);
      });

  Future<void> open(WidgetTester tester, {double height = 1400}) async {
    await app.show(tester, size: Size(360, height));
    await tester.pumpAndSettle(const Duration(milliseconds: 100));
    await tester.tap(find.text('Grids'));
    await tester.pump();
    await tester.pump();
  }

  Iterable<String> names(WidgetTester tester) => tester
      .widgetList<GridCard>(find.byType(GridCard))
      .map((card) => card.grid.name);

  shown('whoever sees one grid has no overview', (tester) async {
    app.grids.gridsAnswer = const Ok([kGrid]);
    await app.show(tester);

    expect(find.text('Grids'), findsNothing);
  });

  shown('the worst is first', (tester) async {
    await open(tester);

    expect(names(tester), [
      'Mbita Point',
      'Siaya',
      'Rusinga',
      'Homa Bay',
      'Kisumu South',
    ]);
  });

  shown('live, stale and unknown are told apart, and offline is', (
    tester,
  ) async {
    await open(tester);
    expect(find.text('Live · newest value 2 s ago'), findsNWidgets(3));
    expect(find.text('Stale · newest value 40 min ago'), findsOneWidget);
    expect(find.text('Unknown'), findsOneWidget);

    app.overviews.answer = const Failed(Unreachable());
    await tester.pump(OverviewViewModel.pollEvery);
    await tester.pump();
    expect(find.text('Offline. This is how it was at 10:30.'), findsOneWidget);
    expect(find.text('Offline · newest value 40 min ago'), findsOneWidget);
    expect(find.textContaining('Live'), findsNothing);

    app.overviews.answer = Ok(fiveGrids());
    await tester.tap(find.text('Retry'));
    await tester.pump();
    expect(find.textContaining('Offline'), findsNothing);
  });

  shown('a tap leads to the dashboard of that grid', (tester) async {
    await open(tester);
    await tester.tap(find.text('Mbita Point'));
    await tester.pump();
    await tester.pump();

    expect(app.selectedGrid.gridId, 'village-3');
    expect(find.byType(DashboardScreen), findsOneWidget);
    expect(app.histories.asked.last.$1, 'village-3');
  });

  shown('what cannot be fetched can be tried again', (tester) async {
    app.overviews.answer = const Failed(Unreachable());
    await open(tester);
    expect(
      find.text('The server cannot be reached. Check your connection.'),
      findsOneWidget,
    );

    app.overviews.answer = Ok(fiveGrids());
    await tester.tap(find.text('Try again'));
    await tester.pump();
    expect(find.byType(GridCard), findsNWidgets(5));
  });

  shown('what was last known is there before any answer', (tester) async {
    app.overviews
      ..kept = fiveGrids()
      ..answer = const Failed(Unreachable());
    await open(tester);

    expect(find.byType(GridCard), findsNWidgets(5));
    expect(find.textContaining('Offline'), findsWidgets);
  });

  shown('of a few grids none is searched for', (tester) async {
    await open(tester);

    expect(find.byType(TextField), findsNothing);
  });

  shown('one of thousands is found, and only those in sight are built', (
    tester,
  ) async {
    app.overviews.answer = Ok(manyGrids(5000));
    await open(tester, height: 640);
    expect(tester.widgetList(find.byType(GridCard)).length, lessThan(10));

    await tester.enterText(find.byType(TextField), 'grid 4711');
    await tester.pump();
    expect(names(tester), ['Grid 4711']);

    await tester.enterText(find.byType(TextField), 'Atlantis');
    await tester.pump();
    expect(find.text('No grid is named “Atlantis”.'), findsOneWidget);

    await tester.tap(find.byTooltip('Clear the search'));
    await tester.pump();
    expect(names(tester).first, 'Grid 0001');
  });

  shown('nobody asks while another place is shown', (tester) async {
    await open(tester);
    final asked = app.overviews.asked;
    await tester.tap(find.text('Dashboard'));
    await tester.pump();
    await tester.pump(OverviewViewModel.pollEvery * 3);
    expect(app.overviews.asked, asked);

    await tester.tap(find.text('Grids'));
    await tester.pump();
    expect(app.overviews.asked, asked + 1);
  });

  shown('the title leads here when there are many grids', (tester) async {
    app.grids.gridsAnswer = Ok([
      kGrid,
      for (var number = 0; number < 20; number++)
        Grid(id: 'grid-$number', name: 'Grid $number'),
    ]);
    await app.show(tester);
    await tester.pump();
    await tester.tap(find.text('Kisumu South').first);
    await tester.pump();
    await tester.pump();

    expect(find.byType(GridCard), findsWidgets);
  });

  test('of what is equally bad, the name decides', () {
    final grids = [
      standing(id: 'b', name: 'beta'),
      standing(id: 'a2', name: 'Alpha'),
      standing(id: 'a1', name: 'Alpha'),
      standing(id: 'c', name: 'Gamma', connected: 2),
    ]..sort(GridStanding.worstFirst(kNow));

    expect(grids.map((grid) => grid.gridId), ['c', 'a1', 'a2', 'b']);
  });

  for (final (scale, mode) in [
    (1.0, ThemeMode.light),
    (1.0, ThemeMode.dark),
    (2.0, ThemeMode.light),
  ]) {
    shown('everybody can use it, ${mode.name}, text of ${scale * 100} %', (
      tester,
    ) async {
      final semantics = tester.ensureSemantics();
      app.overviews.answer = Ok(
        Overview(
          receivedAt: kNow,
          grids: [...fiveGrids().grids, ...manyGrids(9).grids],
        ),
      );
      await app.show(
        tester,
        size: const Size(360, 1600),
        textScale: scale,
        themeMode: mode,
      );
      await tester.pumpAndSettle(const Duration(milliseconds: 100));
      await tester.tap(find.text('Grids'));
      await tester.pumpAndSettle(const Duration(milliseconds: 100));

      expect(
        find.bySemanticsLabel(RegExp('Mbita Point\n2 critical alerts\n')),
        findsOneWidget,
      );
      await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
      await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
      await expectLater(tester, meetsGuideline(textContrastGuideline));
      semantics.dispose();
    });
  }
}
