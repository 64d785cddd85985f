import 'metric.dart';

/// How much of the past a chart shows.
enum Period {
  hour('1h', Duration(hours: 1)),
  day('24h', Duration(hours: 24)),
  week('7d', Duration(days: 7)),
  month('30d', Duration(days: 30));

  const Period(this.wireName, this.length);

  /// Its name in the API.
  final String wireName;

  final Duration length;
}

/// The history of one metric.
class History {
  const History({
    required this.metric,
    required this.start,
    required this.end,
    required this.lines,
    this.isComplete = false,
  });

  final Metric metric;
  final DateTime start;
  final DateTime end;

  /// Whether it has every measured value: asked for a part of the time, there would be no more.
  final bool isComplete;

  /// Unbroken pieces of the curve, each of at least one point: between two of them is a gap.
  final List<List<HistoryPoint>> lines;

  bool get isEmpty => lines.isEmpty;

  Iterable<HistoryPoint> get points => lines.expand((line) => line);
}

/// What was measured at a time, or over the time that begins then.
class HistoryPoint {
  const HistoryPoint({
    required this.time,
    required this.value,
    required this.lowest,
    required this.highest,
  });

  final DateTime time;

  /// Of a roll-up the mean.
  final double value;

  final double lowest;
  final double highest;
}
