import 'package:flutter/material.dart';

import 'chart_line.dart';
import 'chart_scene.dart';
import 'chart_viewport.dart';
import 'samples.dart';
import 'ticks.dart';
import 'value_axis.dart';

/// Draws the curves and the times under them. Between the pieces of a curve nothing is drawn.
///
/// It is painted anew whenever the viewport changes, without any widget being built.
class CurvesPainter extends CustomPainter {
  CurvesPainter({required this.scene, required this.viewport})
    : super(repaint: viewport);

  final ChartScene scene;
  final ChartViewport viewport;

  static const _bandOpacity = 0.28;

  @override
  void paint(Canvas canvas, Size size) {
    _times(canvas);
    final plot = scene.layout.plot;
    canvas
      ..save()
      // The line at the edge is as thick as elsewhere.
      ..clipRect(plot.inflate(1))
      ..translate(plot.left, plot.top);
    for (final line in scene.lines) {
      _line(canvas, line);
    }
    canvas.restore();
  }

  void _times(Canvas canvas) {
    final ChartScene(:layout, :style, :cache) = scene;
    final plot = layout.plot;
    final mark = Paint()
      ..color = style.grid
      ..strokeWidth = 1;
    final midnight = Paint()
      ..color = style.midnight
      ..strokeWidth = 1;
    var free = 0.0;
    for (final tick in timeTicks(
      viewport.startTime,
      viewport.endTime,
      count: layout.timeLabels,
    )) {
      final x = layout.x(viewport, tick.time.millisecondsSinceEpoch.toDouble());
      canvas.drawLine(
        Offset(x, tick.isMidnight ? plot.top : plot.bottom),
        Offset(x, plot.bottom + 4),
        tick.isMidnight ? midnight : mark,
      );
      final label = cache.label(_tickLabel(tick), style);
      final left = (x - label.width / 2).clamp(
        0.0,
        layout.size.width - label.width,
      );
      // At the edges a label is moved into the picture, and could lie on the next one.
      if (left >= free) {
        label.paint(canvas, Offset(left, plot.bottom + 6));
        free = left + label.width + 6;
      }
    }
  }

  String _tickLabel(TimeTick tick) => switch (tick) {
    TimeTick(isMidnight: true) => scene.formats.day(tick.time),
    TimeTick(showsSeconds: true) => scene.formats.clockWithSeconds(tick.time),
    _ => scene.formats.clock(tick.time),
  };

  void _line(Canvas canvas, PreparedLine line) {
    final axis = scene.axisOf(line.metric);
    final (:start, :end) = (start: viewport.start, end: viewport.end);
    final from = line.detailStart;
    final until = line.detailEnd;
    if (from > end || until < start) {
      _curves(canvas, line, line.overview, axis, start, end);
      return;
    }
    _curves(canvas, line, line.detail, axis, from, until);
    if (from > start) {
      _curves(canvas, line, line.overview, axis, start, from);
    }
    if (until < end) {
      _curves(canvas, line, line.overview, axis, until, end);
    }
  }

  /// Draws what of [curves] is between two times.
  void _curves(
    Canvas canvas,
    PreparedLine line,
    List<SampleLevels> curves,
    ValueAxis axis,
    double from,
    double until,
  ) {
    final plot = scene.layout.plot;
    final pixel = scene.layout.millisecondsPerPixel(viewport);
    final colour = scene.style.line(line.metric);
    final stroke = Paint()
      ..color = colour
      ..style = PaintingStyle.stroke
      ..strokeWidth = 2
      ..strokeCap = StrokeCap.round
      ..strokeJoin = StrokeJoin.bevel;
    // Its edge is drawn smoothly over it: smoothing twice takes half of the time of a frame.
    final fill = Paint()
      ..color = colour.withValues(alpha: _bandOpacity)
      ..isAntiAlias = false;
    final edge = Paint()
      ..color = fill.color
      ..style = PaintingStyle.stroke
      ..strokeWidth = 1;
    final isPart = from > viewport.start || until < viewport.end;
    if (isPart) {
      canvas
        ..save()
        ..clipRect(
          Rect.fromLTRB(
            (from - viewport.start) / pixel,
            -1,
            (until - viewport.start) / pixel,
            plot.height + 1,
          ),
        );
    }
    for (final curve in curves) {
      scene.cache
          .pathsOf(curve)
          .paint(
            canvas,
            start: viewport.start,
            end: viewport.end,
            width: plot.width,
            height: plot.height,
            lowest: axis.lowest,
            highest: axis.highest,
            line: stroke,
            band: fill,
            edge: edge,
          );
    }
    if (isPart) {
      canvas.restore();
    }
  }

  @override
  bool shouldRepaint(CurvesPainter old) =>
      old.scene != scene || old.viewport != viewport;
}
