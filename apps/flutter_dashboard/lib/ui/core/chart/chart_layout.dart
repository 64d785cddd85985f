import 'dart:ui';

import 'chart_viewport.dart';
import 'value_axis.dart';

/// Where the parts of a chart are on a canvas of some size.
class ChartLayout {
  const ChartLayout({
    required this.size,
    required this.plot,
    required this.axes,
    required this.timeLabels,
  });

  /// With room for the labels, of which a line is [lineHeight] tall.
  ///
  /// Axes stand left and right by turns, each [axisWidth] wide.
  factory ChartLayout.of(
    Size size, {
    required List<ValueAxis> axes,
    required double axisWidth,
    required double lineHeight,
  }) {
    final left = (axes.length + 1) ~/ 2;
    final right = axes.length ~/ 2;
    final plot = Rect.fromLTRB(
      left * axisWidth,
      // Above the plot are the units.
      lineHeight * 1.5,
      size.width - (right == 0 ? 8 : right * axisWidth),
      size.height - lineHeight - 8,
    );
    return ChartLayout(
      size: size,
      plot: plot,
      axes: axes,
      timeLabels: (plot.width / (lineHeight * 4)).floor().clamp(1, 20),
    );
  }

  final Size size;

  /// The area of the curves, without the labels.
  final Rect plot;

  final List<ValueAxis> axes;

  /// The most labels that fit under it.
  final int timeLabels;

  double millisecondsPerPixel(ChartViewport viewport) =>
      viewport.length / plot.width;

  double x(ChartViewport viewport, double time) =>
      plot.left + (time - viewport.start) / millisecondsPerPixel(viewport);

  /// The time at a place, which may be beside the plot.
  double timeAt(ChartViewport viewport, double x) =>
      viewport.start + (x - plot.left) * millisecondsPerPixel(viewport);

  double y(ValueAxis axis, double value) =>
      plot.bottom - plot.height * axis.shareOf(value);
}
