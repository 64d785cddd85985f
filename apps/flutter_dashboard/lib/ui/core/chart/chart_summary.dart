import 'dart:math';

import '../../../domain/models/metric.dart';
import '../../../l10n/words.dart';
import 'chart_line.dart';
import 'chart_viewport.dart';

/// A chart in words: of each line the lowest, the highest and the newest value, and how many gaps it has.
String chartSummary(Words words, List<ChartLine> lines) {
  final known = lines.where((line) => !line.overview.isEmpty);
  return known.isEmpty
      ? words.chart.withoutValues
      : known.map((line) => _lineSummary(words, line)).join(' ');
}

String _lineSummary(Words words, ChartLine line) {
  final history = line.overview;
  var low = double.infinity;
  var high = double.negativeInfinity;
  var newest = history.lines.last.last;
  for (final point in history.points) {
    low = min(low, point.lowest);
    high = max(high, point.highest);
    newest = point.time.isAfter(newest.time) ? point : newest;
  }
  return words.chart.summary(
    title: words.common.metricTitle(line.metric),
    lowest: words.formats.value(line.metric, low),
    highest: withUnit(words, line.metric, high),
    newest: words.chart.valueAt(
      withUnit(words, line.metric, newest.value),
      words.formats.time(newest.time, now: history.end),
    ),
    gaps: history.lines.length - 1,
  );
}

/// What all lines tell of a time, in words.
String readingsSummary(
  Words words,
  List<PreparedLine> lines,
  double time, {
  required double slack,
}) {
  if (lines.isEmpty) {
    return words.chart.withoutValues;
  }
  final when = words.formats.time(
    ChartViewport.timeOf(time),
    now: lines.first.line.overview.end,
  );
  final told = [
    for (final line in lines)
      switch (line.reading(time, slack: slack)) {
        final reading? => withUnit(words, line.metric, reading.value),
        null => words.chart.nothingThere,
      },
  ];
  if (lines.length == 1) {
    return words.chart.valueAt(told.single, when);
  }
  return words.chart.valueAt(
    [
      for (final (index, line) in lines.indexed)
        '${words.common.metricName(line.metric)} ${told[index]}',
    ].join(', '),
    when,
  );
}

/// A value as it is read.
String withUnit(Words words, Metric metric, double value) =>
    '${words.formats.value(metric, value)} ${metric.unit}';
