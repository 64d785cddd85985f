import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/l10n/formats.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_dashboard/ui/core/chart/line_chart.dart';
import 'package:flutter_dashboard/ui/core/chart/ticks.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/models.dart';

void main() {
  for (final (low, high, ticks) in [
    (0.0, 11.2, [0.0, 5.0, 10.0, 15.0]),
    (0.0, 0.9, [0.0, 0.25, 0.5, 0.75, 1.0]),
    (-3.0, 5.0, [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0]),
    (0.0, 0.0, [0.0, 0.25]),
    (0.0, 1000.0, [0.0, 250.0, 500.0, 750.0, 1000.0]),
  ]) {
    test('an axis from $low to $high has lines at $ticks', () {
      final found = valueTicks(low, high);
      expect(found.length, ticks.length);
      for (final (index, tick) in ticks.indexed) {
        expect(found[index], closeTo(tick, 1e-9));
      }
    });
  }

  test('times are marked at round hours, no more than there is room for', () {
    final ticks = timeTicks(
      kNow.subtract(const Duration(hours: 24)),
      kNow,
      count: 5,
    );
    expect(ticks.map((tick) => tick.hour), [12, 18, 0, 6]);
    expect(ticks.map((tick) => tick.minute), everyElement(0));
  });

  test('the nearest point is found over a gap too', () {
    final curve = history();
    final last = curve.lines.first.last;
    final next = curve.lines.last.first;
    final gap = next.time.difference(last.time);

    expect(curve.nearest(last.time.add(gap * 0.4)), last);
    expect(curve.nearest(last.time.add(gap * 0.6)), next);
  });

  testWidgets('touching the chart shows the value there', (tester) async {
    final curve = history();
    await tester.pumpWidget(
      MaterialApp(
        theme: themeOf(Brightness.light),
        localizationsDelegates: WordsDelegate.all,
        home: Scaffold(body: LineChart(history: curve)),
      ),
    );
    final formats = Formats('en');
    String words(HistoryPoint point) =>
        '${point.value.toStringAsFixed(1)} kW at ${formats.time(point.time, now: kNow)}';
    expect(find.text(words(curve.points.last)), findsOneWidget);

    final chart = tester.getRect(find.byType(CustomPaint).last);
    await tester.tapAt(chart.centerLeft + const Offset(1, 0));
    await tester.pump();
    expect(find.text(words(curve.points.first)), findsOneWidget);

    await tester.dragFrom(
      chart.centerLeft + const Offset(40, 0),
      Offset(chart.width - 41, 0),
    );
    await tester.pump();
    expect(find.text(words(curve.points.last)), findsOneWidget);
  });

  test('text on the colours of alerts can be read', () {
    for (final severity in Severity.values) {
      final colours = UrgencyColours.of(severity);
      expect(
        contrast(colours.background, colours.foreground),
        greaterThanOrEqualTo(4.5),
        reason: severity.name,
      );
    }
  });

  test('every severity has its own colour', () {
    expect(
      Severity.values.map((one) => UrgencyColours.of(one).background).toSet(),
      hasLength(Severity.values.length),
    );
  });
}

/// After WCAG 2.
double contrast(Color one, Color other) {
  final lights = [one.computeLuminance(), other.computeLuminance()]..sort();
  return (lights.last + 0.05) / (lights.first + 0.05);
}
