import 'dart:async';
import 'dart:math';

import 'package:flutter/gestures.dart';
import 'package:flutter/services.dart';
import 'package:flutter/widgets.dart';

import 'chart_motion.dart';
import 'chart_scene.dart';
import 'chart_viewport.dart';

/// What fingers, mouse and keys do to a chart.
class ChartPointing {
  ChartPointing({
    required this.viewport,
    required this.crosshair,
    required this.motion,
  });

  final ChartViewport viewport;
  final ValueNotifier<double?> crosshair;
  final ChartMotion motion;

  /// What is on the screen; it may change under the fingers.
  late ChartScene scene;

  /// Whether nothing glides.
  bool isInstant = false;

  /// By one key, tap or notch of the wheel.
  static const _zoomStep = 2.0;
  static const _wheelStep = 1.25;
  static const _panShare = 0.15;

  double _lengthBefore = 1;
  double _held = 0;
  Timer? _secondTap;

  double get _pixel => scene.layout.millisecondsPerPixel(viewport);

  /// Point at a place of the chart: at the value near it, or into the gap.
  void point(Offset place) {
    final plot = scene.layout.plot;
    final x = place.dx.clamp(plot.left, plot.right);
    final time = scene.layout.timeAt(viewport, x);
    crosshair.value = _nearest(time) ?? time;
  }

  /// Point at nothing any more.
  void leave() => crosshair.value = null;

  double? _nearest(double time) {
    double? best;
    for (final line in scene.lines) {
      final reading = line.reading(time, slack: viewport.slack)?.time;
      if (reading != null &&
          (best == null || (reading - time).abs() < (best - time).abs())) {
        best = reading;
      }
    }
    return best;
  }

  /// Point at the next value, or at the one before ([direction] -1); the chart follows.
  void step(int direction) {
    final time = nextTo(crosshair.value, direction);
    if (time == null) {
      return;
    }
    crosshair.value = time;
    if (time < viewport.start) {
      viewport.pan(time - viewport.start);
    } else if (time > viewport.end) {
      viewport.pan(time - viewport.end);
    }
  }

  /// The time of the value after [time], or before it; of the newest shown where [time] is null; null when there is none.
  double? nextTo(double? time, int direction) {
    double? best;
    for (final line in scene.lines) {
      for (final curve in line.at(time ?? viewport.end)) {
        final samples = curve.finest;
        final index = switch (time) {
          null => samples.firstFrom(viewport.end + 1) - 1,
          _ when direction > 0 => samples.firstFrom(time + 1),
          _ => samples.firstFrom(time) - 1,
        };
        if (index < 0 || index >= samples.length) {
          continue;
        }
        final found = samples.times[index];
        if (best == null ||
            (time == null ? found > best : (found - best) * direction < 0)) {
          best = found;
        }
      }
    }
    return best;
  }

  void onMoveStart(ScaleStartDetails start) {
    motion.stop();
    _lengthBefore = viewport.length;
    _held = scene.layout.timeAt(viewport, start.localFocalPoint.dx);
  }

  void onMove(ScaleUpdateDetails move) {
    if (!viewport.isZoomed && move.pointerCount < 2 && move.scale == 1) {
      // There is nothing to be moved: the finger points.
      point(move.localFocalPoint);
      return;
    }
    final length = _lengthBefore / move.scale;
    final plot = scene.layout.plot;
    // What was taken hold of stays under the fingers.
    final start =
        _held - (move.localFocalPoint.dx - plot.left) / plot.width * length;
    viewport.show(start, start + length);
  }

  void onMoveEnd(ScaleEndDetails end) {
    final velocity = end.velocity.pixelsPerSecond.dx;
    if (end.pointerCount == 0 &&
        !isInstant &&
        viewport.isZoomed &&
        velocity.abs() > kMinFlingVelocity) {
      motion.fling(-velocity * _pixel);
    }
  }

  /// A tap points, and a second one soon after it zooms in there.
  void onTap(Offset place) {
    if (_secondTap?.isActive ?? false) {
      _secondTap?.cancel();
      _zoom(_zoomStep, around: scene.layout.timeAt(viewport, place.dx));
      return;
    }
    _secondTap = Timer(kDoubleTapTimeout, () {});
    point(place);
  }

  void dispose() => _secondTap?.cancel();

  void _zoom(double factor, {required double around}) {
    final length = max(viewport.length / factor, ChartViewport.shortest);
    final share = (around - viewport.start) / viewport.length;
    final start = around - share * length;
    motion.go(start, start + length, isInstant: isInstant);
  }

  /// Whether the wheel does anything here; else the page is scrolled.
  bool canWheel(PointerScrollEvent wheel) =>
      viewport.isZoomed || wheel.scrollDelta.dy < 0;

  void onWheel(PointerScrollEvent wheel) {
    motion.stop();
    final delta = wheel.scrollDelta;
    if (delta.dx.abs() > delta.dy.abs()) {
      viewport.pan(delta.dx * _pixel);
      return;
    }
    viewport.zoom(
      delta.dy < 0 ? _wheelStep : 1 / _wheelStep,
      around: scene.layout.timeAt(viewport, wheel.localPosition.dx),
    );
  }

  /// Arrows move the chart, or the crosshair (with Shift, and where all is shown); plus, minus and 0 zoom; Esc points at
  /// nothing.
  KeyEventResult onKey(KeyEvent event) {
    final action = event is KeyUpEvent ? null : _actionOf(event);
    if (action == null) {
      return KeyEventResult.ignored;
    }
    action();
    return KeyEventResult.handled;
  }

  VoidCallback? _actionOf(KeyEvent event) {
    final middle = (viewport.start + viewport.end) / 2;
    return switch ((event.logicalKey, event.character)) {
      (LogicalKeyboardKey.arrowLeft, _) => () => _arrow(-1),
      (LogicalKeyboardKey.arrowRight, _) => () => _arrow(1),
      (LogicalKeyboardKey.numpadAdd, _) ||
      (_, '+' || '=') => () => _zoom(_zoomStep, around: middle),
      (LogicalKeyboardKey.numpadSubtract, _) ||
      (_, '-') => () => _zoom(1 / _zoomStep, around: middle),
      (LogicalKeyboardKey.home, _) || (_, '0') => () => motion.go(
        viewport.first,
        viewport.last,
        isInstant: isInstant,
      ),
      (LogicalKeyboardKey.escape, _) when crosshair.value != null => leave,
      _ => null,
    };
  }

  void _arrow(int direction) {
    if (viewport.isZoomed && !HardwareKeyboard.instance.isShiftPressed) {
      motion.stop();
      viewport.pan(direction * _panShare * viewport.length);
    } else {
      step(direction);
    }
  }
}
