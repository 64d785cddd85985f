import 'package:flutter/material.dart';

import 'chart_scene.dart';
import 'value_axis.dart';

/// Draws what stays where it is while the chart is moved: the lines of the values, with their labels.
class FramePainter extends CustomPainter {
  const FramePainter(this.scene);

  final ChartScene scene;

  @override
  void paint(Canvas canvas, Size size) {
    final layout = scene.layout;
    final line = Paint()
      ..color = scene.style.grid
      ..strokeWidth = 1;
    final first = layout.axes.firstOrNull;
    if (first == null) {
      return;
    }
    // With several axes these are the lines of all of them.
    for (final value in first.ticks) {
      final y = layout.y(first, value);
      canvas.drawLine(
        Offset(layout.plot.left, y),
        Offset(layout.plot.right, y),
        line,
      );
    }
    for (final (index, axis) in layout.axes.indexed) {
      _labels(canvas, axis, index);
    }
  }

  void _labels(Canvas canvas, ValueAxis axis, int index) {
    final ChartScene(:layout, :style, :cache) = scene;
    final isLeft = index.isEven;
    final away = (index ~/ 2) * style.axisWidth + 6;
    void place(String text, double y) {
      final label = cache.label(text, style, colour: _colour(axis));
      final x = isLeft
          ? layout.plot.left - away - label.width
          : layout.plot.right + away;
      label.paint(canvas, Offset(x, y - label.height / 2));
    }

    for (final value in axis.ticks) {
      place(_short(value), layout.y(axis, value));
    }
    place(axis.unit, style.lineHeight / 2);
  }

  /// Of the line, where only one has this axis; there are several axes then.
  Color? _colour(ValueAxis axis) {
    final metrics = [
      for (final line in scene.lines)
        if (line.metric.unit == axis.unit) line.metric,
    ];
    return scene.layout.axes.length > 1 && metrics.length == 1
        ? scene.style.line(metrics.single)
        : null;
  }

  @override
  bool shouldRepaint(FramePainter old) => old.scene != scene;
}

String _short(double value) {
  if (value == value.roundToDouble()) {
    return value.toStringAsFixed(0);
  }
  return value.toStringAsFixed((value * 10) % 1 == 0 ? 1 : 2);
}
