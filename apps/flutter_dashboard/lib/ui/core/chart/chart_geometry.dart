import 'dart:math';
import 'dart:ui';

import '../../../domain/models/history.dart';
import '../../../domain/models/metric.dart';
import 'ticks.dart';

/// Where things of a history are on a chart of some size.
class ChartGeometry {
  ChartGeometry({
    required this.history,
    required this.plot,
    required int timeLabels,
  }) : timeTickMarks = timeTicks(
         history.start,
         history.end,
         count: max(timeLabels, 1),
       ),
       valueTickMarks = _valueTicks(history);

  final History history;

  /// The area of the curve, without the labels.
  final Rect plot;

  final List<double> valueTickMarks;
  final List<DateTime> timeTickMarks;

  double x(DateTime time) {
    final length = history.end.difference(history.start).inMilliseconds;
    final since = time.difference(history.start).inMilliseconds;
    return plot.left + plot.width * since / max(length, 1);
  }

  double y(double value) {
    final low = valueTickMarks.first;
    final share = (value - low) / (valueTickMarks.last - low);
    return plot.bottom - plot.height * share;
  }

  /// The time under a finger.
  DateTime timeAt(double x) {
    final share = ((x - plot.left) / plot.width).clamp(0.0, 1.0);
    return history.start.add(history.end.difference(history.start) * share);
  }
}

List<double> _valueTicks(History history) {
  if (history.metric == Metric.stateOfCharge) {
    return const [0, 25, 50, 75, 100];
  }
  final points = history.points;
  if (points.isEmpty) {
    return const [0, 1];
  }
  // Powers are compared with nothing at all: the axis begins there.
  return valueTicks(
    min(0, points.map((point) => point.lowest).reduce(min)),
    points.map((point) => point.highest).reduce(max),
  );
}
