import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import 'json_object.dart';

/// An answer of `GET /api/historical/{grid_id}/{metric}`.
History historyFromJson(Object? answer, Metric metric) {
  final json = JsonObject.of(answer);
  final linesByDevice = <String?, List<List<HistoryPoint>>>{};
  for (final point in json.objects('points')) {
    // Where several devices measure, their points come mixed, each with its device.
    final lines = linesByDevice.putIfAbsent(
      point.textOrNull('device_id'),
      () => [[]],
    );
    final value = point.numberOrNull('value');
    if (value == null) {
      lines.add([]);
    } else {
      lines.last.add(
        HistoryPoint(
          time: point.time('time'),
          value: value,
          lowest: point.numberOrNull('min') ?? value,
          highest: point.numberOrNull('max') ?? value,
        ),
      );
    }
  }
  return History(
    metric: metric,
    start: json.time('from'),
    end: json.time('to'),
    isComplete: json.text('granularity') == 'raw' && !json.flag('thinned'),
    lines: [
      for (final lines in linesByDevice.values)
        for (final line in lines)
          if (line.isNotEmpty) List.unmodifiable(line),
    ],
  );
}
