import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/freshness.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/models.dart';

void main() {
  Measurement measured({Duration age = Duration.zero}) =>
      summary(age: age).values[Metric.consumption]!;

  test('live, stale, unknown and offline are told apart', () {
    Freshness of(Measurement? measurement, {bool isOnline = true}) =>
        freshnessOf(measurement, isOnline: isOnline, now: kNow);

    expect(of(measured()), Freshness.live);
    expect(of(measured(age: staleAfter)), Freshness.live);
    expect(
      of(measured(age: staleAfter + const Duration(seconds: 1))),
      Freshness.stale,
    );
    expect(of(null), Freshness.unknown);
    expect(of(measured(), isOnline: false), Freshness.offline);
    expect(of(null, isOnline: false), Freshness.offline);
  });

  test('a value goes on ageing after it came', () {
    final measurement = measured(age: const Duration(seconds: 3));

    expect(
      measurement.age(kNow.add(const Duration(minutes: 6))),
      const Duration(minutes: 6, seconds: 3),
    );
  });

  test('a clock that is put back makes nothing younger than it was', () {
    final measurement = measured(age: const Duration(seconds: 3));

    expect(
      measurement.age(kNow.subtract(const Duration(hours: 1))),
      const Duration(seconds: 3),
    );
  });

  test('urgent before known before old', () {
    final known = Acknowledgement(at: kNow, by: 'amina');
    final alerts = ActiveAlerts(
      hasMore: false,
      alerts: [
        alert(id: 'old', raisedAt: kNow.subtract(const Duration(hours: 2))),
        alert(id: 'known', raisedAt: kNow, acknowledged: known),
        alert(id: 'new', raisedAt: kNow.subtract(const Duration(hours: 1))),
        alert(
          id: 'critical',
          severity: Severity.critical,
          raisedAt: kNow.subtract(const Duration(days: 1)),
          acknowledged: known,
        ),
      ],
    );

    expect(alerts.alerts.map((alert) => alert.id), [
      'critical',
      'new',
      'old',
      'known',
    ]);
  });
}
