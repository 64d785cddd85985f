@Tags(['golden'])
library;

import 'dart:math';

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/core/chart/line_chart.dart';
import 'package:flutter_dashboard/ui/dashboard/trends_section.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/models.dart';

/// The dashboard is scrolled to the chart.
const _phone = Size(360, 640);

void main() {
  void pictured(
    String name, {
    Size size = _phone,
    double textScale = 1,
    ThemeMode themeMode = ThemeMode.light,
    void Function(TestApp app)? given,
    Future<void> Function(WidgetTester tester)? after,
  }) => testWidgets(name, (tester) async {
    final app = TestApp();
    app.histories.answer = (metric, period) => Ok(_day(metric));
    given?.call(app);
    await app.show(
      tester,
      size: size,
      textScale: textScale,
      themeMode: themeMode,
    );
    await tester.scrollUntilVisible(
      find.byType(TrendsSection),
      200,
      scrollable: find.byType(Scrollable).first,
    );
    await tester.drag(find.byType(Scrollable).first, const Offset(0, -3000));
    await tester.pumpAndSettle();
    await after?.call(tester);
    await expectLater(
      find.byType(MaterialApp),
      matchesGoldenFile('pictures/chart/$name.png'),
    );
    await TestApp.close(tester);
  });

  Future<void> tap(WidgetTester tester, Finder what) async {
    await tester.ensureVisible(what);
    await tester.tap(what);
    await tester.pumpAndSettle();
  }

  Future<void> compare(WidgetTester tester) async =>
      tap(tester, find.text('Compare'));

  Future<void> point(WidgetTester tester, [double share = 0.7]) async {
    final area = tester.getRect(
      find.descendant(
        of: find.byType(LineChart).last,
        matching: find.byType(RawGestureDetector),
      ),
    );
    await tester.tapAt(area.centerLeft + Offset(area.width * share, 0));
    await tester.pump(const Duration(seconds: 1));
  }

  Future<void> fullScreen(WidgetTester tester) async =>
      tap(tester, find.byTooltip('Full screen'));

  pictured('gap');
  pictured(
    'zoomed',
    given: (app) =>
        app.histories.detailAnswer = (metric, start, end) =>
            Ok(_detail(metric, start, end)),
    after: (tester) async {
      for (var step = 0; step < 3; step++) {
        await tap(tester, find.byTooltip('Zoom in'));
      }
      await tester.pump(const Duration(seconds: 1));
      await tester.pumpAndSettle();
    },
  );
  pictured('crosshair', after: point);
  pictured('crosshair_in_gap', after: (tester) => point(tester, 0.48));
  pictured(
    'overlay',
    after: (tester) async {
      await compare(tester);
      await point(tester);
    },
  );
  pictured(
    'overlay_dark',
    themeMode: ThemeMode.dark,
    after: (tester) async {
      await compare(tester);
      await point(tester);
    },
  );
  pictured(
    'large_text',
    textScale: 2,
    size: const Size(360, 900),
    after: compare,
  );
  pictured('tablet', size: tablet, after: compare);
  pictured(
    'full_screen',
    size: const Size(640, 360),
    after: (tester) async {
      await compare(tester);
      await fullScreen(tester);
      await point(tester);
    },
  );
  pictured(
    'full_screen_dark_tablet',
    size: tablet,
    themeMode: ThemeMode.dark,
    after: fullScreen,
  );
  pictured(
    'full_screen_large_text',
    size: const Size(640, 360),
    textScale: 2,
    after: fullScreen,
  );
  pictured(
    'not_up_to_date',
    given: (app) => app.histories
      ..kept[(Metric.consumption, Period.day)] = _day(Metric.consumption)
      ..answer = (_, _) => const Failed(Unreachable()),
  );
  pictured(
    'failed',
    given: (app) =>
        app.histories.answer = (_, _) => const Failed(Unreachable()),
  );
  pictured(
    'many_points',
    given: (app) => app.histories.answer = (metric, _) => Ok(_many(metric)),
  );
}

double _value(Metric metric, double hour) => switch (metric) {
  Metric.consumption => 6 + 3 * sin(hour / 6 * pi) + 2 * sin(hour / 4 * pi),
  Metric.generation => max(0, 13 * sin((hour - 6) / 12 * pi)),
  Metric.stateOfCharge => 60 + 28 * sin((hour - 9) / 12 * pi),
};

HistoryPoint _point(Metric metric, DateTime time, double range) {
  final hour = time.toLocal().hour + time.minute / 60 + time.second / 3600;
  final value = _value(metric, hour);
  return HistoryPoint(
    time: time,
    value: value,
    lowest: max(0, value - range),
    highest: value + range,
  );
}

/// A day in quarters of an hour, of which two hours are missing.
History _day(Metric metric) {
  final start = kNow.subtract(Period.day.length);
  List<HistoryPoint> quarters(int from, int until) => [
    for (var index = from; index < until; index++)
      _point(metric, start.add(Duration(minutes: 15 * index)), 0.5),
  ];
  return History(
    metric: metric,
    start: start,
    end: kNow,
    lines: [quarters(0, 36), quarters(44, 97)],
  );
}

/// Half minutes, with a little noise.
History _detail(Metric metric, DateTime start, DateTime end) => History(
  metric: metric,
  start: start,
  end: end,
  isComplete: true,
  lines: [
    [
      for (
        var seconds = 0;
        seconds < end.difference(start).inSeconds;
        seconds += 30
      )
        () {
          final point = _point(
            metric,
            start.add(Duration(seconds: seconds)),
            0,
          );
          final value =
              point.value + 0.3 * sin(seconds / 70) * cos(seconds / 23);
          return HistoryPoint(
            time: point.time,
            value: value,
            lowest: value,
            highest: value,
          );
        }(),
    ],
  ],
);

/// As measured, every nine seconds, with one spike.
History _many(Metric metric) {
  final start = kNow.subtract(Period.day.length);
  final random = Random(5);
  return History(
    metric: metric,
    start: start,
    end: kNow,
    isComplete: true,
    lines: [
      [
        for (var index = 0; index < 9600; index++)
          () {
            final point = _point(
              metric,
              start.add(Duration(seconds: 9 * index)),
              0,
            );
            final value = index == 3000
                ? 16.0
                : point.value + random.nextDouble() - 0.5;
            return HistoryPoint(
              time: point.time,
              value: value,
              lowest: value,
              highest: value,
            );
          }(),
      ],
    ],
  );
}
