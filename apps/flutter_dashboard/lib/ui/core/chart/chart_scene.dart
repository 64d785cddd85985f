import 'package:flutter/foundation.dart';
import 'package:flutter/painting.dart';

import '../../../domain/models/metric.dart';
import '../../../l10n/formats.dart';
import 'chart_layout.dart';
import 'chart_line.dart';
import 'chart_style.dart';
import 'curve_paths.dart';
import 'label_cache.dart';
import 'samples.dart';
import 'value_axis.dart';

/// All that the painters of a chart share: what to draw, where, and what was prepared for it.
///
/// It changes when the curves, the size or the look change, and not while the chart is moved.
@immutable
class ChartScene {
  const ChartScene({
    required this.lines,
    required this.layout,
    required this.style,
    required this.formats,
    required this.cache,
  });

  final List<PreparedLine> lines;
  final ChartLayout layout;
  final ChartStyle style;
  final Formats formats;
  final ChartCache cache;

  ValueAxis axisOf(Metric metric) =>
      layout.axes.firstWhere((axis) => axis.unit == metric.unit);
}

/// What is kept from frame to frame.
class ChartCache {
  final labels = LabelCache();
  final _paths = Expando<CurvePaths>();

  CurvePaths pathsOf(SampleLevels curve) => _paths[curve] ??= CurvePaths(curve);

  /// A label of the chart.
  TextPainter label(String text, ChartStyle style, {Color? colour}) =>
      labels.label(
        text,
        colour == null ? style.label : style.label.copyWith(color: colour),
        style.textScaler,
      );

  void dispose() => labels.clear();
}
