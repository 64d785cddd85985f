import 'package:flutter/foundation.dart';
import 'package:flutter/material.dart';

import 'chart_scene.dart';
import 'chart_viewport.dart';

/// Draws the crosshair: the time that somebody points at, and each line's value there.
class CrosshairPainter extends CustomPainter {
  CrosshairPainter({
    required this.scene,
    required this.viewport,
    required this.crosshair,
  }) : super(repaint: Listenable.merge([viewport, crosshair]));

  final ChartScene scene;
  final ChartViewport viewport;

  /// In milliseconds since 1970; null when nobody points.
  final ValueListenable<double?> crosshair;

  @override
  void paint(Canvas canvas, Size size) {
    final time = crosshair.value;
    if (time == null || time < viewport.start || time > viewport.end) {
      return;
    }
    final ChartScene(:layout, :style) = scene;
    final plot = layout.plot;
    final x = layout.x(viewport, time);
    final hair = Paint()
      ..color = style.crosshair
      ..strokeWidth = 1;
    canvas.drawLine(Offset(x, plot.top), Offset(x, plot.bottom), hair);
    for (final line in scene.lines) {
      final reading = line.reading(time, slack: viewport.slack);
      if (reading == null) {
        continue;
      }
      final at = Offset(
        layout.x(viewport, reading.time),
        layout.y(scene.axisOf(line.metric), reading.value),
      );
      canvas
        ..drawCircle(at, 5.5, Paint()..color = style.background)
        ..drawCircle(at, 4.5, Paint()..color = style.line(line.metric));
    }
  }

  @override
  bool shouldRepaint(CrosshairPainter old) =>
      old.scene != scene ||
      old.viewport != viewport ||
      old.crosshair != crosshair;
}
