import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/auth/login_screen.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';
import '../../../testing/models.dart';

const _critical = 'Predictive alert: high temperature on equipment.';

void main() {
  late TestApp app;

  setUp(() => app = TestApp());

  void shown(String description, Future<void> Function(WidgetTester) body) =>
      testWidgets(description, (tester) async {
        await body(tester);
        await TestApp.close(tester);
      });

  shown('alerts are above the figures, and these above the chart', (
    tester,
  ) async {
    await app.show(tester, size: const Size(360, 1200));

    double top(String text) => tester.getTopLeft(find.text(text)).dy;
    expect(top('Alerts (3)'), lessThan(top('Now')));
    expect(top('Now'), lessThan(top('Trends')));
    expect(find.text('Kisumu South'), findsOneWidget);
  });

  shown('an alert has the colour of its severity, and the time', (
    tester,
  ) async {
    await app.show(tester);

    final tile = find.ancestor(
      of: find.text(_critical),
      matching: find.byType(Material),
    );
    expect(
      tester.widget<Material>(tile.first).color,
      UrgencyColours.of(Severity.critical).background,
    );
    expect(find.text('10:28 · inverter-1'), findsOneWidget);
  });

  shown('a tap shows all of an alert, and it can be acknowledged', (
    tester,
  ) async {
    await app.show(tester);
    await tester.tap(find.text(_critical));
    await tester.pumpAndSettle();

    expect(find.text(_critical), findsNWidgets(2));
    expect(
      find.text('Look for a machine that was switched on.'),
      findsOneWidget,
    );
    await tester.tap(find.text('Acknowledge'));
    await tester.pumpAndSettle();

    expect(app.alerts.acknowledgedIds, ['alert-village-1-8']);
    expect(find.text('24 Nov 2026, 10:30:00, by amina'), findsOneWidget);
    expect(find.text('Acknowledge'), findsNothing);
  });

  shown('an acknowledgement that fails can be tried again', (tester) async {
    app.alerts.acknowledgeFailure = const Refused(409, 'The alarm is over.');
    await app.show(tester);
    await tester.tap(find.text(_critical));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Acknowledge'));
    await tester.pumpAndSettle();

    expect(find.text('Not acknowledged. The alarm is over.'), findsOneWidget);
    expect(find.text('Acknowledge'), findsOneWidget);
  });

  shown('of many alerts the first three are shown until one asks', (
    tester,
  ) async {
    app.alerts.activeAnswer = Ok(
      ActiveAlerts(
        hasMore: true,
        alerts: [
          for (var number = 0; number < 5; number++)
            alert(id: '$number', message: 'Alert number $number.'),
        ],
      ),
    );
    await app.show(tester, size: const Size(360, 1400));
    expect(find.text('Alerts (5+)'), findsOneWidget);
    expect(find.textContaining('Alert number'), findsNWidgets(3));

    await tester.tap(find.text('Show all 5'));
    await tester.pump();
    expect(find.textContaining('Alert number'), findsNWidgets(5));
  });

  shown('the three figures are large, each with its state and age', (
    tester,
  ) async {
    await app.show(tester, size: const Size(360, 1200));

    for (final figure in ['10.5', '9.8', '75']) {
      final text = tester.widget<Text>(find.text(figure));
      expect(text.style!.fontSize, greaterThanOrEqualTo(36));
    }
    expect(find.text('Live · 2 s ago'), findsNWidgets(3));

    app.now = kNow.add(const Duration(seconds: 3));
    await tester.pump(const Duration(seconds: 3));
    expect(find.text('Live · 5 s ago'), findsNWidgets(3));
  });

  shown('stale and unknown figures say so', (tester) async {
    app.grids.summaryAnswer = Ok(
      summary(
        age: const Duration(minutes: 12),
        values: {Metric.consumption: 10.5},
      ),
    );
    await app.show(tester, size: const Size(360, 1200));

    expect(find.text('Stale · 12 min ago'), findsOneWidget);
    expect(find.text('Unknown'), findsNWidgets(2));
    expect(find.text('–'), findsNWidgets(2));
  });

  shown('offline it shows what was, and comes back by Retry', (tester) async {
    await app.show(tester, size: const Size(360, 1200));
    app.grids.summaryAnswer = const Failed(Unreachable());
    await tester.pump(const Duration(seconds: 5));
    await tester.pump();

    expect(find.text('Offline. This is how it was at 10:30.'), findsOneWidget);
    expect(find.text('Offline · 2 s ago'), findsNWidgets(3));
    expect(find.text('10.5'), findsOneWidget);

    app.grids.summaryAnswer = Ok(summary());
    await tester.tap(find.text('Retry'));
    await tester.pump();
    await tester.pump();
    expect(find.textContaining('Offline'), findsNothing);
  });

  shown('a first start without a server can be tried again', (tester) async {
    app.grids.gridsAnswer = const Failed(Unreachable());
    await app.show(tester);
    expect(
      find.text('The server cannot be reached. Check your connection.'),
      findsOneWidget,
    );

    app.grids.gridsAnswer = const Ok([kGrid]);
    await tester.tap(find.text('Try again'));
    await tester.pump();
    await tester.pump();
    expect(find.text('Alerts (3)'), findsOneWidget);
  });

  shown('a toggle chooses what the chart shows', (tester) async {
    await app.show(tester, size: const Size(360, 1200));
    for (final name in ['Consumption', 'Generation', 'SoC']) {
      await tester.tap(find.widgetWithText(ChoiceChip, name));
      await tester.pump();
      await tester.pump();
    }

    expect(app.histories.asked.map((asked) => asked.$2), [
      Metric.consumption,
      Metric.generation,
      Metric.stateOfCharge,
    ]);
  });

  shown('a chart that does not come can be tried again', (tester) async {
    app.histories.answer = (_, _) => const Failed(Unreachable());
    await app.show(tester, size: const Size(360, 1200));
    expect(find.text('Try again'), findsOneWidget);

    app.histories.answer = (metric, period) =>
        Ok(history(metric: metric, period: period));
    await tester.tap(find.text('Try again'));
    await tester.pump();
    await tester.pump();
    expect(find.text('Try again'), findsNothing);
  });

  shown('a chart without values says so', (tester) async {
    app.histories.answer = (metric, _) =>
        Ok(History(metric: metric, start: kNow, end: kNow, lines: const []));
    await app.show(tester, size: const Size(360, 1200));

    expect(
      find.text('Nothing was measured in the last 24 hours.'),
      findsOneWidget,
    );
  });

  shown('of several grids one is chosen by its name', (tester) async {
    app.grids.gridsAnswer = const Ok([
      kGrid,
      Grid(id: 'village-2', name: 'Kisumu North'),
    ]);
    await app.show(tester);
    await tester.tap(find.text('Kisumu South'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Kisumu North'));
    await tester.pumpAndSettle();

    expect(app.histories.asked.last.$1, 'village-2');
  });

  testWidgets('an open alert does not outlive the login', (tester) async {
    await app.show(tester);
    await tester.tap(find.text(_critical));
    await tester.pumpAndSettle();
    app.auth.end();
    await tester.pumpAndSettle();

    expect(find.text(_critical), findsNothing);
    expect(find.byType(LoginScreen), findsOneWidget);
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
      await app.show(
        tester,
        size: Size(360, 1400 * scale),
        textScale: scale,
        themeMode: mode,
      );

      await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
      await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
      await expectLater(tester, meetsGuideline(textContrastGuideline));
      semantics.dispose();
    });
  }
}
