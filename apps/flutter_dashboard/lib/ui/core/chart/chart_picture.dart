import 'dart:typed_data';
import 'dart:ui' as ui;

import 'package:flutter/material.dart';

import '../../../l10n/words.dart';
import 'chart_layout.dart';
import 'chart_line.dart';
import 'chart_scene.dart';
import 'chart_style.dart';
import 'chart_viewport.dart';
import 'curves_painter.dart';
import 'frame_painter.dart';
import 'value_axis.dart';

const _size = Size(1000, 560);
const _margin = 24.0;

/// Pixels for each logical one.
const _sharpness = 2.0;

/// A chart with its title and legend, as a PNG.
Future<Uint8List> chartPicture({
  required String title,
  required List<ChartLine> lines,
  required ChartViewport viewport,
  required ChartStyle style,
  required Words words,
}) async {
  final cache = ChartCache();
  final recorder = ui.PictureRecorder();
  final canvas = Canvas(recorder)
    ..scale(_sharpness)
    ..drawRect(Offset.zero & _size, Paint()..color = style.background);
  final heading = cache.label(
    title,
    style.copyWith(label: style.label.copyWith(fontSize: 18)),
    colour: style.crosshair,
  );
  heading.paint(canvas, const Offset(_margin, _margin));
  var top = _margin + heading.height + 8;
  top += _legend(canvas, lines, style, words, cache, top) + 8;
  canvas.translate(_margin, top);
  final scene = ChartScene(
    lines: [for (final line in lines) PreparedLine(line)],
    style: style,
    formats: words.formats,
    cache: cache,
    layout: ChartLayout.of(
      Size(_size.width - 2 * _margin, _size.height - top - _margin),
      axes: axesFor(lines.map((line) => line.overview)),
      axisWidth: style.axisWidth,
      lineHeight: style.lineHeight,
    ),
  );
  FramePainter(scene).paint(canvas, scene.layout.size);
  CurvesPainter(
    scene: scene,
    viewport: viewport,
  ).paint(canvas, scene.layout.size);
  final picture = recorder.endRecording();
  final image = await picture.toImage(
    (_size.width * _sharpness).round(),
    (_size.height * _sharpness).round(),
  );
  final png = await image.toByteData(format: ui.ImageByteFormat.png);
  picture.dispose();
  image.dispose();
  cache.dispose();
  return png!.buffer.asUint8List();
}

/// Draws the names of the lines beside each other; gives the height.
double _legend(
  Canvas canvas,
  List<ChartLine> lines,
  ChartStyle style,
  Words words,
  ChartCache cache,
  double top,
) {
  var left = _margin;
  var height = 0.0;
  for (final line in lines) {
    final name = cache.label(
      '${words.common.metricTitle(line.metric)} [${line.metric.unit}]',
      style,
    );
    canvas.drawCircle(
      Offset(left + 5, top + name.height / 2),
      5,
      Paint()..color = style.line(line.metric),
    );
    name.paint(canvas, Offset(left + 16, top));
    left += name.width + 40;
    height = name.height;
  }
  return height;
}
