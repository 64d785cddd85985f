import 'package:flutter/material.dart';

import '../../../domain/models/history.dart';
import '../../../l10n/formats.dart';
import 'chart_geometry.dart';

/// How a chart looks.
class ChartStyle {
  const ChartStyle({
    required this.line,
    required this.grid,
    required this.label,
    required this.crosshair,
    required this.formats,
  });

  final Color line;
  final Color grid;
  final TextStyle label;
  final Color crosshair;
  final Formats formats;
}

/// Draws the curve with its axes. Between the pieces of the curve nothing is drawn.
class ChartPainter extends CustomPainter {
  const ChartPainter({
    required this.geometry,
    required this.style,
    required this.textScaler,
    this.selected,
  });

  final ChartGeometry geometry;
  final ChartStyle style;
  final TextScaler textScaler;

  /// Where the crosshair is.
  final HistoryPoint? selected;

  @override
  void paint(Canvas canvas, Size size) {
    _axes(canvas);
    for (final line in geometry.history.lines) {
      _range(canvas, line);
      _curve(canvas, line);
    }
    if (selected case final point?) {
      _crosshair(canvas, point);
    }
  }

  void _axes(Canvas canvas) {
    final plot = geometry.plot;
    final line = Paint()
      ..color = style.grid
      ..strokeWidth = 1;
    for (final value in geometry.valueTickMarks) {
      final y = geometry.y(value);
      canvas.drawLine(Offset(plot.left, y), Offset(plot.right, y), line);
      final label = _text(_short(value));
      label.paint(
        canvas,
        Offset(plot.left - label.width - 6, y - label.height / 2),
      );
      label.dispose();
    }
    final isLong =
        geometry.history.end.difference(geometry.history.start) >
        const Duration(hours: 36);
    for (final time in geometry.timeTickMarks) {
      final x = geometry.x(time);
      canvas.drawLine(Offset(x, plot.bottom), Offset(x, plot.bottom + 4), line);
      final label = _text(
        isLong ? style.formats.day(time) : style.formats.clock(time),
      );
      final left = (x - label.width / 2).clamp(0.0, plot.right - label.width);
      label.paint(canvas, Offset(left, plot.bottom + 6));
      label.dispose();
    }
  }

  /// Between the lowest and the highest of what a point stands for.
  void _range(Canvas canvas, List<HistoryPoint> line) {
    if (line.length < 2) {
      return;
    }
    final area = Path();
    for (final (index, point) in line.indexed) {
      final at = Offset(geometry.x(point.time), geometry.y(point.highest));
      index == 0 ? area.moveTo(at.dx, at.dy) : area.lineTo(at.dx, at.dy);
    }
    for (final point in line.reversed) {
      area.lineTo(geometry.x(point.time), geometry.y(point.lowest));
    }
    canvas.drawPath(
      area..close(),
      Paint()..color = style.line.withValues(alpha: 0.18),
    );
  }

  void _curve(Canvas canvas, List<HistoryPoint> line) {
    if (line.length == 1) {
      canvas.drawCircle(_place(line.single), 2, Paint()..color = style.line);
      return;
    }
    final path = Path();
    for (final (index, point) in line.indexed) {
      final at = _place(point);
      index == 0 ? path.moveTo(at.dx, at.dy) : path.lineTo(at.dx, at.dy);
    }
    canvas.drawPath(
      path,
      Paint()
        ..color = style.line
        ..style = PaintingStyle.stroke
        ..strokeWidth = 2
        ..strokeJoin = StrokeJoin.round,
    );
  }

  void _crosshair(Canvas canvas, HistoryPoint point) {
    final at = _place(point);
    final hair = Paint()
      ..color = style.crosshair
      ..strokeWidth = 1;
    final plot = geometry.plot;
    canvas
      ..drawLine(Offset(at.dx, plot.top), Offset(at.dx, plot.bottom), hair)
      ..drawLine(Offset(plot.left, at.dy), Offset(plot.right, at.dy), hair)
      ..drawCircle(at, 5, Paint()..color = style.crosshair)
      ..drawCircle(at, 3, Paint()..color = style.line);
  }

  String _short(double value) => style.formats.number(
    value,
    digits: value == value.roundToDouble() ? 0 : 1,
  );

  Offset _place(HistoryPoint point) =>
      Offset(geometry.x(point.time), geometry.y(point.value));

  TextPainter _text(String text) => TextPainter(
    text: TextSpan(text: text, style: style.label),
    textDirection: TextDirection.ltr,
    textScaler: textScaler,
  )..layout();

  @override
  bool shouldRepaint(ChartPainter old) =>
      old.geometry != geometry ||
      old.selected != selected ||
      old.style.line != style.line ||
      old.style.formats != style.formats ||
      old.textScaler != textScaler;
}
