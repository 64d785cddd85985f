@Tags(['golden'])
library;

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/models.dart';

/// All of the dashboard, as tall as it takes.
const _wholePhone = Size(360, 1040);

void main() {
  void pictured(
    String name, {
    Size size = phone,
    double textScale = 1,
    ThemeMode themeMode = ThemeMode.light,
    bool isSignedIn = true,
    void Function(TestApp app)? given,
    Future<void> Function(WidgetTester tester)? after,
  }) => testWidgets(name, (tester) async {
    final app = TestApp(isSignedIn: isSignedIn);
    given?.call(app);
    await app.show(
      tester,
      size: size,
      textScale: textScale,
      themeMode: themeMode,
    );
    await after?.call(tester);
    await expectLater(
      find.byType(MaterialApp),
      matchesGoldenFile('pictures/$name.png'),
    );
    await TestApp.close(tester);
  });

  pictured('login', isSignedIn: false);
  pictured('login_dark', isSignedIn: false, themeMode: ThemeMode.dark);
  pictured('login_large_text', isSignedIn: false, textScale: 2);
  pictured('dashboard', size: _wholePhone);
  pictured('dashboard_dark', size: _wholePhone, themeMode: ThemeMode.dark);
  pictured('dashboard_large_text', size: const Size(360, 1900), textScale: 2);
  pictured('dashboard_tablet', size: tablet);
  pictured(
    'dashboard_stale_and_unknown',
    given: (app) => app
      ..grids.summaryAnswer = Ok(
        summary(
          age: const Duration(minutes: 12),
          values: {Metric.consumption: 10.5},
        ),
      )
      ..alerts.activeAnswer = const Failed(
        Refused(503, 'The alert store is away.'),
      ),
  );
  pictured(
    'dashboard_offline',
    given: (app) => app
      ..grids.keptGrids = [kGrid]
      ..grids.keptSummary = summary(
        receivedAt: kNow.subtract(const Duration(minutes: 20)),
      )
      ..alerts.kept = activeAlerts()
      ..grids.gridsAnswer = const Failed(Unreachable()),
  );
  pictured(
    'alert',
    after: (tester) async {
      await tester.tap(
        find.text('Predictive alert: high temperature on equipment.'),
      );
      await tester.pumpAndSettle();
    },
  );
}
