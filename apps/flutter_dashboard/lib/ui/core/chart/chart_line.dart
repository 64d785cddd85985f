import 'package:flutter/foundation.dart';

import '../../../domain/models/history.dart';
import '../../../domain/models/metric.dart';
import 'samples.dart';

/// What is known of a metric: over all of the time, and in detail where somebody looked closely.
@immutable
class ChartLine {
  const ChartLine({required this.overview, this.detail});

  final History overview;

  /// Of a part of the time of [overview]; null when nobody looked closely.
  final History? detail;

  Metric get metric => overview.metric;

  /// The finest that is known of all between [start] and [end], in milliseconds since 1970.
  History between(double start, double end) {
    final detail = this.detail;
    final isCovered =
        detail != null &&
        detail.start.millisecondsSinceEpoch <= start + 1 &&
        detail.end.millisecondsSinceEpoch >= end - 1;
    return isCovered ? detail : overview;
  }

  @override
  bool operator ==(Object other) =>
      other is ChartLine &&
      identical(overview, other.overview) &&
      identical(detail, other.detail);

  @override
  int get hashCode =>
      Object.hash(identityHashCode(overview), identityHashCode(detail));
}

/// A line as it is drawn: in columns and resolutions, which are made once.
class PreparedLine {
  PreparedLine(this.line)
    : overview = curvesOf(line.overview),
      detail = curvesOf(
        line.detail ??
            History(
              metric: line.metric,
              start: line.overview.end,
              end: line.overview.end,
              lines: const [],
            ),
      );

  /// Of [line], with what [before] has of it already.
  factory PreparedLine.after(ChartLine line, PreparedLine? before) =>
      before != null && before.line == line ? before : PreparedLine(line);

  final ChartLine line;
  final List<SampleLevels> overview;
  final List<SampleLevels> detail;

  Metric get metric => line.metric;

  /// Where [detail] takes the place of [overview], in milliseconds since 1970; never where there is none.
  double get detailStart =>
      line.detail?.start.millisecondsSinceEpoch.toDouble() ?? double.infinity;
  double get detailEnd =>
      line.detail?.end.millisecondsSinceEpoch.toDouble() ??
      double.negativeInfinity;

  /// The curves that tell of [time].
  List<SampleLevels> at(double time) =>
      time >= detailStart && time <= detailEnd ? detail : overview;

  /// The last of what was measured; null when nothing was.
  Reading? get newest {
    Reading? newest;
    for (final curve in overview) {
      final samples = curve.finest;
      if (newest == null || samples.times.last > newest.time) {
        newest = _readingAt(samples, samples.length - 1);
      }
    }
    return newest;
  }

  /// What was measured at [time]; null in a gap, where none is nearer than [slack] milliseconds.
  Reading? reading(double time, {required double slack}) {
    Reading? best;
    for (final curve in at(time)) {
      final samples = curve.finest;
      final index = samples.at(time, slack: slack);
      if (index == null) {
        continue;
      }
      final distance = (samples.times[index] - time).abs();
      if (best == null || distance < (best.time - time).abs()) {
        best = _readingAt(samples, index);
      }
    }
    return best;
  }
}

Reading _readingAt(Samples samples, int index) =>
    (time: samples.times[index], value: samples.values[index]);

/// What a line tells of a time, in milliseconds since 1970, UTC.
typedef Reading = ({double time, double value});
