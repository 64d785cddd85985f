import 'package:flutter/gestures.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/l10n/formats.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_dashboard/ui/core/chart/chart_line.dart';
import 'package:flutter_dashboard/ui/core/chart/chart_viewport.dart';
import 'package:flutter_dashboard/ui/core/chart/line_chart.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../../testing/models.dart';

void main() {
  late ChartViewport viewport;
  late ValueNotifier<double?> crosshair;
  late ScrollController page;
  final curve = history();

  setUp(() {
    viewport = ChartViewport()..setLimitsOf(curve);
    crosshair = ValueNotifier(null);
    page = ScrollController();
    addTearDown(viewport.dispose);
    addTearDown(crosshair.dispose);
    addTearDown(page.dispose);
  });

  Future<void> show(WidgetTester tester, [List<History>? curves]) =>
      tester.pumpWidget(
        MaterialApp(
          theme: themeOf(Brightness.light),
          localizationsDelegates: WordsDelegate.all,
          home: Scaffold(
            body: SingleChildScrollView(
              controller: page,
              child: Column(
                children: [
                  LineChart(
                    height: 300,
                    viewport: viewport,
                    crosshair: crosshair,
                    lines: [
                      for (final history in curves ?? [curve])
                        ChartLine(overview: history),
                    ],
                  ),
                  const SizedBox(height: 2000),
                ],
              ),
            ),
          ),
        ),
      );

  Rect chart(WidgetTester tester) =>
      tester.getRect(find.byType(RawGestureDetector).last);

  Future<void> pinch(WidgetTester tester, Offset middle, double by) async {
    final one = await tester.startGesture(middle - const Offset(30, 0));
    final other = await tester.startGesture(middle + const Offset(30, 0));
    await one.moveBy(Offset(-by, 0));
    await other.moveBy(Offset(by, 0));
    await one.up();
    await other.up();
    await tester.pumpAndSettle();
  }

  String words(HistoryPoint point) =>
      '${point.value.toStringAsFixed(1)} kW at ${Formats('en').time(point.time, now: kNow)}';

  testWidgets(
    'a tap shows the value there, and a finger that goes on, those on its way',
    (tester) async {
      await show(tester);
      expect(find.text(words(curve.points.last)), findsOneWidget);

      final area = chart(tester);
      await tester.tapAt(area.centerLeft + const Offset(1, 0));
      await tester.pump();
      expect(find.text(words(curve.points.first)), findsOneWidget);

      await tester.pump(const Duration(seconds: 1));
      await tester.dragFrom(
        area.centerLeft + const Offset(60, 0),
        Offset(area.width - 62, 0),
      );
      await tester.pump();
      expect(find.text(words(curve.points.last)), findsOneWidget);
      expect(viewport.isZoomed, isFalse);
    },
  );

  testWidgets('in a gap it says that there is nothing', (tester) async {
    await show(tester);
    final last = curve.lines.first.last.time.millisecondsSinceEpoch;
    final next = curve.lines.last.first.time.millisecondsSinceEpoch;
    final share = ((last + next) / 2 - viewport.start) / viewport.length;
    final area = chart(tester);
    // The plot begins a little right of the labels.
    await tester.tapAt(
      area.centerLeft + Offset(34 + (area.width - 42) * share, 0),
    );
    await tester.pump();

    expect(find.textContaining('no data at'), findsOneWidget);
  });

  testWidgets('two fingers zoom around what is between them', (tester) async {
    await show(tester);
    await pinch(tester, chart(tester).center, 60);

    expect(
      viewport.length / const Duration(hours: 24).inMilliseconds,
      closeTo(1 / 3, 0.05),
    );
    expect(page.offset, 0);
  });

  testWidgets('one finger moves what is zoomed, and it goes on after a throw', (
    tester,
  ) async {
    await show(tester);
    viewport.zoom(8, around: (viewport.start + viewport.end) / 2);
    await tester.pump();
    final before = viewport.start;
    final length = viewport.length;
    await tester.flingFrom(chart(tester).center, const Offset(-150, 0), 1500);
    final atRelease = viewport.start;
    expect(atRelease, greaterThan(before));

    await tester.pumpAndSettle();
    expect(viewport.start, greaterThan(atRelease));
    expect(viewport.length, closeTo(length, 1));
  });

  testWidgets('a finger that goes up or down scrolls the page', (tester) async {
    await show(tester);
    viewport.zoom(8, around: (viewport.start + viewport.end) / 2);
    final before = viewport.start;
    await tester.dragFrom(chart(tester).center, const Offset(10, -120));
    await tester.pumpAndSettle();

    expect(page.offset, greaterThan(50));
    expect(viewport.start, before);
  });

  testWidgets('two taps zoom in', (tester) async {
    await show(tester);
    final place = chart(tester).center;
    await tester.tapAt(place);
    await tester.pump(const Duration(milliseconds: 80));
    await tester.tapAt(place);
    await tester.pumpAndSettle();

    expect(
      viewport.length,
      closeTo(const Duration(hours: 12).inMilliseconds, 1),
    );
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('a long press points, also while the finger goes on', (
    tester,
  ) async {
    await show(tester);
    viewport.zoom(2, around: viewport.end);
    final before = viewport.start;
    final finger = await tester.startGesture(chart(tester).center);
    await tester.pump(const Duration(seconds: 1));
    final first = crosshair.value;
    expect(first, isNotNull);
    await finger.moveBy(const Offset(120, 0));
    await finger.up();

    expect(crosshair.value, greaterThan(first!));
    expect(viewport.start, before);
  });

  testWidgets(
    'the wheel scrolls the page, until the chart was clicked or with Ctrl',
    (tester) async {
      await show(tester);
      final mouse = TestPointer(1, PointerDeviceKind.mouse);
      Future<void> wheel(double by) async {
        await tester.sendEventToBinding(mouse.hover(chart(tester).center));
        await tester.sendEventToBinding(mouse.scroll(Offset(0, by)));
        await tester.pump();
      }

      await wheel(40);
      expect(page.offset, 40);
      expect(viewport.isZoomed, isFalse);
      page.jumpTo(0);
      await tester.pump();

      await tester.sendKeyDownEvent(LogicalKeyboardKey.controlLeft);
      await wheel(-40);
      await tester.sendKeyUpEvent(LogicalKeyboardKey.controlLeft);
      expect(viewport.isZoomed, isTrue);
      expect(page.offset, 0);
    },
  );

  testWidgets('a mouse points where it is, and nowhere when it leaves', (
    tester,
  ) async {
    await show(tester);
    final mouse = await tester.createGesture(kind: PointerDeviceKind.mouse);
    await mouse.addPointer(location: Offset.zero);
    addTearDown(mouse.removePointer);
    await mouse.moveTo(chart(tester).center);
    expect(crosshair.value, isNotNull);
    await mouse.moveTo(const Offset(400, 590));
    expect(crosshair.value, isNull);
  });

  testWidgets('keys zoom, move and point', (tester) async {
    await show(tester);
    await tester.tapAt(chart(tester).center);
    await tester.pump(const Duration(seconds: 1));
    Future<void> press(LogicalKeyboardKey key, {String? character}) async {
      await tester.sendKeyEvent(key, character: character);
      await tester.pumpAndSettle();
    }

    final pointed = crosshair.value!;
    await press(LogicalKeyboardKey.arrowRight);
    expect(crosshair.value, greaterThan(pointed));

    await press(LogicalKeyboardKey.equal, character: '+');
    expect(
      viewport.length,
      closeTo(const Duration(hours: 12).inMilliseconds, 1),
    );
    final start = viewport.start;
    await press(LogicalKeyboardKey.arrowLeft);
    expect(viewport.start, lessThan(start));
    await press(LogicalKeyboardKey.minus, character: '-');
    expect(viewport.isZoomed, isFalse);
    await press(LogicalKeyboardKey.escape);
    expect(crosshair.value, isNull);
  });

  testWidgets(
    'a screen reader hears what the chart says, and steps through its values',
    (tester) async {
      final semantics = tester.ensureSemantics();
      await show(tester);
      final values = curve.points.toList();
      final node = find.semantics.byLabel(
        RegExp(
          r'Power consumption: lowest 4\.4, highest 11\.8 kW, newest .* 1 gap\.',
        ),
      );
      expect(node, findsOne);

      tester.semantics.decrease(node);
      await tester.pump();
      expect(crosshair.value, values.last.time.millisecondsSinceEpoch);
      tester.semantics.decrease(node);
      await tester.pump();
      expect(
        node.evaluate().single.getSemanticsData().value,
        words(values[values.length - 2]),
      );
      semantics.dispose();
    },
  );

  testWidgets('several lines are read at the same time', (tester) async {
    await show(tester, [curve, history(metric: Metric.stateOfCharge)]);
    crosshair.value = curve.points.first.time.millisecondsSinceEpoch.toDouble();
    await tester.pump();

    expect(find.textContaining('Consumption 8.0 kW'), findsOneWidget);
    expect(find.textContaining('SoC 8 %'), findsOneWidget);
  });

  testWidgets('moving builds nothing', (tester) async {
    await show(tester);
    viewport.zoom(4, around: viewport.end);
    await tester.pump();
    var built = 0;
    debugOnRebuildDirtyWidget = (_, _) => built++;
    viewport.pan(-1e6);
    await tester.pump();
    debugOnRebuildDirtyWidget = null;

    expect(built, 0);
  });
}
