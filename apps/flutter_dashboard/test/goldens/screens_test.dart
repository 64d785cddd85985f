@Tags(['golden'])
library;

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/models.dart';
import '../../testing/pictured.dart';

/// All of the dashboard, as tall as it takes.
const _wholePhone = Size(360, 1240);

void main() {
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
