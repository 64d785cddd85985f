import 'dart:math';
import 'dart:ui' as ui;

import 'package:flutter/material.dart';
import 'package:flutter/rendering.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_dashboard/ui/core/chart/chart_line.dart';
import 'package:flutter_dashboard/ui/core/chart/chart_viewport.dart';
import 'package:flutter_dashboard/ui/core/chart/line_chart.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/models.dart';

/// How long a frame of a chart of three lines with 10,000 points each takes while it is moved and zoomed.
///
/// A frame is all of what the app does for one: the widgets are built and laid out, the layers painted ("build"), and the
/// picture is drawn into memory by the engine, which is waited for ("raster"; on the processor, as there is no graphics
/// card here). Both run unoptimized, as tests do; in a released app both are faster. It prints its figures and judges none:
/// what else runs on a machine is not the chart's fault.
void main() {
  const points = 10000;
  const frames = 120;

  for (final (name, size) in const [
    ('phone, 360 x 640', Size(360, 640)),
    ('tablet, 1024 x 768', Size(1024, 768)),
  ]) {
    testWidgets('a chart on a $name', (tester) async {
      tester.view
        ..devicePixelRatio = 1
        ..physicalSize = size;
      addTearDown(tester.view.reset);
      final lines = [
        for (final metric in Metric.values)
          ChartLine(overview: _noisy(metric, points)),
      ];
      final viewport = ChartViewport()..setLimitsOf(lines.first.overview);
      final crosshair = ValueNotifier<double?>(null);
      addTearDown(viewport.dispose);
      addTearDown(crosshair.dispose);
      await tester.pumpWidget(
        MaterialApp(
          theme: themeOf(Brightness.light),
          localizationsDelegates: WordsDelegate.all,
          home: Scaffold(
            body: LineChart(
              lines: lines,
              viewport: viewport,
              crosshair: crosshair,
            ),
          ),
        ),
      );

      Future<void> measure(String what, void Function(int frame) move) async {
        final builds = <int>[];
        final rasters = <int>[];
        for (var frame = -10; frame < frames; frame++) {
          final watch = Stopwatch()..start();
          move(frame);
          await tester.pump(const Duration(milliseconds: 16));
          final build = watch.elapsedMicroseconds;
          await tester.runAsync(() => _raster(tester));
          // The first ones warm up.
          if (frame >= 0) {
            builds.add(build);
            rasters.add(watch.elapsedMicroseconds - build);
          }
        }
        final totals = [
          for (var frame = 0; frame < frames; frame++)
            builds[frame] + rasters[frame],
        ];
        debugPrint(
          '$name, $what: build ${_told(builds)}, raster ${_told(rasters)}, both ${_told(totals)}',
        );
      }

      final length = viewport.length;
      await measure('nothing moves', (frame) {});
      await measure('zoom from all to a minute and back', (frame) {
        final share = 0.5 - 0.5 * cos(2 * pi * frame / frames);
        final zoom = pow(length / ChartViewport.shortest, share);
        viewport.zoom(
          viewport.length * zoom / length,
          around: viewport.first + length * 0.4,
        );
      });
      viewport.show(viewport.first, viewport.first + length / 3);
      await measure('pan at a third', (frame) => viewport.pan(length / 200));
      viewport.show(viewport.first, viewport.first + length * 0.9);
      await measure(
        'pan and zoom at nine tenths',
        (frame) => viewport.zoom(
          frame.isEven ? 1.01 : 1 / 1.01,
          around: viewport.start,
        ),
      );
      viewport.reset();
      await measure(
        'crosshair',
        (frame) => crosshair.value = viewport.start + length * frame / frames,
      );
      expect(tester.takeException(), isNull);
    });
  }
}

Future<void> _raster(WidgetTester tester) async {
  final view = tester.binding.renderViews.single;
  // ignore: invalid_use_of_protected_member
  final layer = view.layer! as OffsetLayer;
  final image = await layer.toImage(Offset.zero & view.size);
  // Not before this is the picture drawn for certain.
  await image.toByteData(format: ui.ImageByteFormat.rawUnmodified);
  image.dispose();
}

String _told(List<int> microseconds) {
  final sorted = [...microseconds]..sort();
  String at(double share) =>
      (sorted[((sorted.length - 1) * share).round()] / 1000).toStringAsFixed(1);
  return '${at(0.5)} ms (least: ${at(0)}, 95 %: ${at(0.95)}, most: ${at(1)})';
}

/// As measured, with noise and three gaps.
History _noisy(Metric metric, int count) {
  final random = Random(metric.index);
  final start = kNow.subtract(Period.week.length);
  final step = Period.week.length ~/ count;
  HistoryPoint point(int index) {
    final value =
        30 + 20 * sin(index / 300 + metric.index) + random.nextDouble() * 8;
    return HistoryPoint(
      time: start.add(step * index),
      value: value,
      lowest: value - 1,
      highest: value + 1,
    );
  }

  return History(
    metric: metric,
    start: start,
    end: kNow,
    lines: [
      for (var piece = 0; piece < 4; piece++)
        [
          for (var index = 0; index < count ~/ 4 - 20; index++)
            point(piece * (count ~/ 4) + index),
        ],
    ],
  );
}
