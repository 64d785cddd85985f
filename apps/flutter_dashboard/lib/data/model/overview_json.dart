import '../../domain/models/alert.dart';
import '../../domain/models/grid_standing.dart';
import '../../domain/models/grid_summary.dart';
import '../../domain/models/metric.dart';
import 'json_object.dart';

/// The name of a metric in an overview.
const _names = {
  Metric.consumption: 'consumption_kW',
  Metric.generation: 'generation_kW',
  Metric.stateOfCharge: 'battery_soc',
};

/// The grids of answers of `GET /api/overview` that came at [receivedAt].
Overview overviewFromJson(List<Object?> grids, DateTime receivedAt) => Overview(
  receivedAt: receivedAt,
  grids: [for (final grid in grids) _standing(JsonObject.of(grid), receivedAt)],
);

/// Where the next page begins; null after the last one.
({List<Object?> grids, String? next}) pageFromJson(Object? answer) {
  final json = JsonObject.of(answer);
  return (
    grids: [for (final grid in json.objects('grids')) grid.fields],
    next: json.textOrNull('next_cursor'),
  );
}

GridStanding _standing(JsonObject json, DateTime receivedAt) {
  final alerts = json.object('alerts');
  final devices = json.object('devices');
  final values = {
    for (final MapEntry(key: metric, value: name) in _names.entries)
      metric: ?json.numberOrNull(name),
  };
  final newestAt = json.timeOrNull('newest_value_at');
  return GridStanding(
    gridId: json.text('grid_id'),
    name: json.text('name'),
    values: values,
    newest: newestAt == null || values.isEmpty
        ? null
        : Measurement(
            value: values.values.first,
            ageAtReceipt: json.time('at').difference(newestAt),
            receivedAt: receivedAt,
          ),
    alerts: {
      for (final severity in Severity.values)
        severity: alerts.number(severity.name).toInt(),
    },
    devices: devices.number('total').toInt(),
    connected: devices.number('connected').toInt(),
  );
}
