import 'dart:math';

import 'package:flutter/material.dart';

import '../../../domain/models/metric.dart';
import '../../../l10n/words.dart';
import 'chart_line.dart';
import 'chart_style.dart';
import 'chart_summary.dart';
import 'chart_viewport.dart';

/// The values that the crosshair is at; without one the newest of each line.
class ChartReadout extends StatelessWidget {
  const ChartReadout({
    required this.lines,
    required this.viewport,
    required this.crosshair,
    super.key,
  });

  final List<PreparedLine> lines;
  final ChartViewport viewport;
  final ValueNotifier<double?> crosshair;

  @override
  Widget build(BuildContext context) => ValueListenableBuilder(
    valueListenable: crosshair,
    builder: (context, time, _) {
      final words = Words.of(context);
      if (lines.length == 1) {
        return Text(
          _one(words, lines.single, time),
          style: _digits(Theme.of(context).textTheme.titleMedium),
        );
      }
      final at = time ?? _newest;
      return Wrap(
        spacing: 16,
        runSpacing: 4,
        children: [
          if (at != null)
            Text(
              _when(words, at),
              style: _digits(Theme.of(context).textTheme.titleSmall),
            ),
          for (final line in lines)
            _LineReadout(line.metric, _ofSeveral(words, line, at)),
        ],
      );
    },
  );

  /// When the newest of all values was measured; null when there are none.
  double? get _newest => lines
      .map((line) => line.newest?.time)
      .nonNulls
      .fold(null, (one, other) => one == null ? other : max(one, other));

  String _one(Words words, PreparedLine line, double? time) {
    final reading = time == null
        ? line.newest
        : line.reading(time, slack: viewport.slack);
    final at = reading?.time ?? time;
    return at == null
        ? words.chart.withoutValues
        : words.chart.valueAt(_value(words, line, reading), _when(words, at));
  }

  String _ofSeveral(Words words, PreparedLine line, double? at) {
    final reading = at == null ? null : line.reading(at, slack: viewport.slack);
    return '${words.common.metricName(line.metric)} ${_value(words, line, reading)}';
  }

  String _value(Words words, PreparedLine line, Reading? reading) =>
      reading == null
      ? words.chart.nothingThere
      : withUnit(words, line.metric, reading.value);

  String _when(Words words, double time) => words.formats.time(
    ChartViewport.timeOf(time),
    now: lines.first.line.overview.end,
  );
}

class _LineReadout extends StatelessWidget {
  const _LineReadout(this._metric, this._words);

  final Metric _metric;
  final String _words;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Row(
      mainAxisSize: MainAxisSize.min,
      children: [
        Icon(
          Icons.circle,
          size: 12,
          color: lineColour(_metric, theme.brightness),
        ),
        const SizedBox(width: 6),
        Flexible(
          child: Text(_words, style: _digits(theme.textTheme.bodyMedium)),
        ),
      ],
    );
  }
}

/// Digits of the same width: nothing moves while values change.
TextStyle? _digits(TextStyle? style) =>
    style?.copyWith(fontFeatures: const [FontFeature.tabularFigures()]);
