import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:flutter/gestures.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../../../domain/models/metric.dart';
import '../../../l10n/formats.dart';
import '../../../l10n/words.dart';
import 'chart_gestures.dart';
import 'chart_layout.dart';
import 'chart_line.dart';
import 'chart_motion.dart';
import 'chart_pointing.dart';
import 'chart_readout.dart';
import 'chart_scene.dart';
import 'chart_style.dart';
import 'chart_viewport.dart';
import 'crosshair_painter.dart';
import 'curves_painter.dart';
import 'described_chart.dart';
import 'frame_painter.dart';
import 'value_axis.dart';

/// Curves over time, to be moved, zoomed and pointed at; as large as it may be.
///
/// While it is moved, nothing is built: its layers are painted anew.
class LineChart extends StatefulWidget {
  const LineChart({
    required this.lines,
    required this.viewport,
    required this.crosshair,
    this.height,
    this.wheelZooms = false,
    super.key,
  });

  final List<ChartLine> lines;
  final ChartViewport viewport;

  /// The time that is pointed at, in milliseconds since 1970; null when none is.
  final ValueNotifier<double?> crosshair;

  /// Of the chart without the values above it, in logical pixels; null where it fills the room that there is.
  final double? height;

  /// Whether the wheel of a mouse zooms at once; else with Ctrl, or once the chart was clicked: the page is scrolled by it.
  final bool wheelZooms;

  @override
  State<LineChart> createState() => _LineChartState();
}

class _LineChartState extends State<LineChart>
    with SingleTickerProviderStateMixin {
  final _cache = ChartCache();
  final _focus = FocusNode(debugLabel: 'chart');
  late ChartMotion _motion;
  late ChartPointing _pointing;
  var _lines = <PreparedLine>[];
  ChartScene? _scene;

  @override
  void initState() {
    super.initState();
    _prepare();
    _listen();
  }

  @override
  void didUpdateWidget(LineChart old) {
    super.didUpdateWidget(old);
    if (old.viewport != widget.viewport || old.crosshair != widget.crosshair) {
      _pointing.dispose();
      _motion.dispose();
      _listen();
    }
    if (!listEquals(old.lines, widget.lines)) {
      _prepare();
    }
  }

  @override
  void dispose() {
    _pointing.dispose();
    _motion.dispose();
    _focus.dispose();
    _cache.dispose();
    super.dispose();
  }

  void _listen() {
    _motion = ChartMotion(widget.viewport, this);
    _pointing = ChartPointing(
      viewport: widget.viewport,
      crosshair: widget.crosshair,
      motion: _motion,
    );
  }

  void _prepare() {
    final before = <Metric, PreparedLine>{
      for (final line in _lines) line.metric: line,
    };
    _lines = [
      for (final line in widget.lines)
        PreparedLine.after(line, before[line.metric]),
    ];
    _scene = null;
  }

  @override
  Widget build(BuildContext context) => Column(
    crossAxisAlignment: CrossAxisAlignment.stretch,
    children: [
      ChartReadout(
        lines: _lines,
        viewport: widget.viewport,
        crosshair: widget.crosshair,
      ),
      const SizedBox(height: 4),
      if (widget.height case final height?)
        SizedBox(height: height, child: _chart())
      else
        Expanded(child: _chart()),
    ],
  );

  Widget _chart() => LayoutBuilder(
    builder: (context, constraints) {
      final words = Words.of(context);
      final scene = _sceneFor(
        constraints.biggest,
        ChartStyle.of(context),
        words.formats,
      );
      _pointing
        ..scene = scene
        ..isInstant = MediaQuery.disableAnimationsOf(context);
      return Focus(
        focusNode: _focus,
        onKeyEvent: (_, event) => _pointing.onKey(event),
        child: DescribedChart(
          lines: _lines,
          crosshair: widget.crosshair,
          pointing: _pointing,
          words: words,
          child: MouseRegion(
            onHover: (event) => _pointing.point(event.localPosition),
            onExit: (_) => _pointing.leave(),
            child: Listener(
              onPointerDown: (_) => _motion.stop(),
              onPointerSignal: _wheel,
              child: RawGestureDetector(
                behavior: HitTestBehavior.opaque,
                excludeFromSemantics: true,
                gestures: _gestures,
                child: _Layers(
                  scene: scene,
                  viewport: widget.viewport,
                  crosshair: widget.crosshair,
                ),
              ),
            ),
          ),
        ),
      );
    },
  );

  /// The one there is, as long as nothing of it has changed.
  ChartScene _sceneFor(Size size, ChartStyle style, Formats formats) {
    final scene = _scene;
    if (scene != null &&
        scene.layout.size == size &&
        scene.style == style &&
        scene.formats == formats) {
      return scene;
    }
    return _scene = ChartScene(
      lines: _lines,
      style: style,
      formats: formats,
      cache: _cache,
      layout: ChartLayout.of(
        size,
        axes: axesFor(_lines.map((line) => line.line.overview)),
        axisWidth: style.axisWidth,
        lineHeight: style.lineHeight,
      ),
    );
  }

  late final Map<Type, GestureRecognizerFactory> _gestures = {
    ChartGestureRecognizer:
        GestureRecognizerFactoryWithHandlers<ChartGestureRecognizer>(
          ChartGestureRecognizer.new,
          (recognizer) => recognizer
            ..onStart = ((start) => _pointing.onMoveStart(start))
            ..onUpdate = ((move) => _pointing.onMove(move))
            ..onEnd = (end) => _pointing.onMoveEnd(end),
        ),
    LongPressGestureRecognizer:
        GestureRecognizerFactoryWithHandlers<LongPressGestureRecognizer>(
          LongPressGestureRecognizer.new,
          (recognizer) => recognizer
            ..onLongPressStart = ((press) {
              unawaited(HapticFeedback.selectionClick());
              _pointing.point(press.localPosition);
            })
            ..onLongPressMoveUpdate = (press) =>
                _pointing.point(press.localPosition),
        ),
    TapGestureRecognizer:
        GestureRecognizerFactoryWithHandlers<TapGestureRecognizer>(
          TapGestureRecognizer.new,
          (recognizer) => recognizer.onTapUp = (tap) {
            _focus.requestFocus();
            _pointing.onTap(tap.localPosition);
          },
        ),
  };

  void _wheel(PointerSignalEvent signal) {
    final zooms =
        widget.wheelZooms ||
        _focus.hasPrimaryFocus ||
        HardwareKeyboard.instance.isControlPressed;
    if (signal is PointerScrollEvent && zooms && _pointing.canWheel(signal)) {
      GestureBinding.instance.pointerSignalResolver.register(
        signal,
        (_) => _pointing.onWheel(signal),
      );
    }
  }
}

/// The layers of the chart: each is painted when something on it has changed.
class _Layers extends StatelessWidget {
  const _Layers({
    required this.scene,
    required this.viewport,
    required this.crosshair,
  });

  final ChartScene scene;
  final ChartViewport viewport;
  final ValueNotifier<double?> crosshair;

  @override
  Widget build(BuildContext context) => Stack(
    fit: StackFit.expand,
    children: [
      for (final painter in [
        FramePainter(scene),
        CurvesPainter(scene: scene, viewport: viewport),
        CrosshairPainter(
          scene: scene,
          viewport: viewport,
          crosshair: crosshair,
        ),
      ])
        RepaintBoundary(child: CustomPaint(painter: painter)),
    ],
  );
}
