import 'dart:math';

import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';

/// The present of the tests, on the clock of wherever they run: pictures are the same in every time zone.
final kNow = DateTime(2026, 11, 24, 10, 30);

const kGrid = Grid(id: 'village-1', name: 'Kisumu South');

GridSummary summary({
  DateTime? receivedAt,
  Duration age = const Duration(seconds: 2),
  Map<Metric, double> values = const {
    Metric.consumption: 10.5,
    Metric.generation: 9.82,
    Metric.stateOfCharge: 75,
  },
}) => GridSummary(
  gridId: kGrid.id,
  name: kGrid.name,
  receivedAt: receivedAt ?? kNow,
  values: {
    for (final MapEntry(:key, :value) in values.entries)
      key: Measurement(
        value: value,
        ageAtReceipt: age,
        receivedAt: receivedAt ?? kNow,
      ),
  },
);

Alert alert({
  String id = 'alert-village-1-7',
  Severity severity = Severity.warning,
  String message = 'Load Abnormality: Unusual load increase detected.',
  DateTime? raisedAt,
  Acknowledgement? acknowledged,
  AlarmState? state,
  bool lasts = true,
  DateTime? clearedAt,
  PutAside? shelved,
  PutAside? outOfService,
  Suppression? suppressed,
  List<Note> notes = const [],
  String? firstId,
}) => Alert(
  id: id,
  gridId: kGrid.id,
  type: 'threshold',
  ruleId: 'load-abnormality',
  severity: severity,
  message: message,
  raisedAt: raisedAt ?? kNow.subtract(const Duration(minutes: 7)),
  deviceId: 'inverter-1',
  recommendedAction: 'Look for a machine that was switched on.',
  state:
      state ??
      (acknowledged == null
          ? AlarmState.unacknowledged
          : AlarmState.acknowledged),
  lasts: lasts,
  clearedAt: clearedAt,
  acknowledged: acknowledged,
  notes: notes,
  shelved: shelved,
  outOfService: outOfService,
  suppressed: suppressed,
  firstId: firstId,
);

ActiveAlerts activeAlerts() => ActiveAlerts(
  hasMore: false,
  alerts: [
    alert(),
    alert(
      id: 'alert-village-1-8',
      severity: Severity.critical,
      message: 'Predictive alert: high temperature on equipment.',
      raisedAt: kNow.subtract(const Duration(minutes: 2)),
    ),
    alert(
      id: 'alert-village-1-5',
      severity: Severity.info,
      message: 'The battery is full.',
      raisedAt: kNow.subtract(const Duration(hours: 20)),
      acknowledged: Acknowledgement(
        at: kNow.subtract(const Duration(hours: 19)),
        by: 'amina',
      ),
    ),
  ],
);

/// A curve with a gap in it.
History history({
  Metric metric = Metric.consumption,
  Period period = Period.day,
  int count = 96,
}) {
  final start = kNow.subtract(period.length);
  HistoryPoint point(int index) {
    final value = 8 + 3 * sin(index / count * 2 * pi);
    return HistoryPoint(
      time: start.add(period.length * (index / count)),
      value: value,
      lowest: value - 0.6,
      highest: value + 0.8,
    );
  }

  final gap = count ~/ 3;
  return History(
    metric: metric,
    start: start,
    end: kNow,
    lines: [
      [for (var index = 0; index < gap; index++) point(index)],
      [for (var index = gap + 8; index < count; index++) point(index)],
    ],
  );
}
