import 'package:flutter/animation.dart';
import 'package:flutter/physics.dart';

import 'chart_viewport.dart';

/// Moves a viewport over some time: on after a finger that let go, and to where it was asked to be.
class ChartMotion {
  ChartMotion(this._viewport, TickerProvider vsync)
    : _animation = AnimationController.unbounded(vsync: vsync) {
    _animation.addListener(_step);
  }

  final ChartViewport _viewport;
  final AnimationController _animation;
  void Function(double at)? _apply;

  static const _friction = 0.05;
  static const _zoomTime = Duration(milliseconds: 220);

  /// Go on with [velocity], in milliseconds of the chart for each second; slower and slower.
  void fling(double velocity) {
    final begun = _viewport.start;
    final length = _viewport.length;
    _apply = (at) {
      final start = _viewport.start;
      _viewport.show(begun + at, begun + at + length);
      final isAtTheEdge = start == _viewport.start && at.abs() > length * 1e-3;
      if (isAtTheEdge && _animation.isAnimating && at != 0) {
        stop();
      }
    };
    _animation
      ..value = 0
      ..animateWith(
        FrictionSimulation(
          _friction,
          0,
          velocity,
          tolerance: Tolerance(velocity: length / 100),
        ),
      ).ignore();
  }

  /// Show [start] to [end]; at once where [isInstant].
  void go(double start, double end, {required bool isInstant}) {
    if (isInstant) {
      stop();
      _viewport.show(start, end);
      return;
    }
    final (from, until) = (_viewport.start, _viewport.end);
    _apply = (at) {
      final share = Curves.easeOutCubic.transform(at.clamp(0, 1));
      _viewport.show(
        from + (start - from) * share,
        until + (end - until) * share,
      );
    };
    _animation
      ..value = 0
      ..animateTo(1, duration: _zoomTime).ignore();
  }

  void stop() {
    _apply = null;
    _animation.stop();
  }

  void dispose() => _animation.dispose();

  void _step() => _apply?.call(_animation.value);
}
