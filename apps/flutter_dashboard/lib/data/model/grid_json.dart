import '../../domain/models/grid_summary.dart';
import '../../domain/models/metric.dart';
import 'json_object.dart';

/// The grids of an answer of `GET /api/overview`.
List<Grid> gridsFromJson(Object? answer) => [
  for (final grid in JsonObject.of(answer).objects('grids'))
    Grid(id: grid.text('grid_id'), name: grid.text('name')),
];

/// An answer of `GET /api/dashboard/summary/{grid_id}` that came at [receivedAt].
GridSummary summaryFromJson(Object? answer, DateTime receivedAt) {
  final json = JsonObject.of(answer);
  final values = json.object('values');
  return GridSummary(
    gridId: json.text('grid_id'),
    name: json.text('name'),
    receivedAt: receivedAt,
    values: {
      for (final metric in Metric.values)
        if (values.objectOrNull(metric.wireName) case final value?)
          metric: Measurement(
            value: value.number('value'),
            ageAtReceipt: Duration(
              milliseconds: (value.number('age_seconds') * 1000).round(),
            ),
            receivedAt: receivedAt,
          ),
    },
  );
}
