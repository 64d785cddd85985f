import 'dart:ui';

import 'samples.dart';

/// The paths of a curve for one scale, kept while the chart is only moved.
class CurvePaths {
  CurvePaths(this._curve);

  final SampleLevels _curve;

  /// Samples are at least so many pixels wide, where there are that many: a line is wider than that.
  static const _sampleWidth = 1.5;

  Path _line = Path();
  Path? _band;
  _Scale? _scale;
  double _origin = 0;
  double _from = 0;
  double _until = 0;

  /// Draws the part from [start] to [end] so that [start] is at x = 0; both in milliseconds since 1970.
  ///
  /// Values are drawn between y = 0 for [highest] and [height] for [lowest].
  void paint(
    Canvas canvas, {
    required double start,
    required double end,
    required double width,
    required double height,
    required double lowest,
    required double highest,
    required Paint line,
    required Paint band,
    required Paint edge,
  }) {
    final scale = (
      pixel: (end - start) / width,
      height: height,
      lowest: lowest,
      highest: highest,
    );
    if (!_fits(scale) || start < _from || end > _until) {
      // With a little on each side: the next frames find it there.
      final margin = (end - start) / 8;
      _make(scale, start - margin, end + margin);
    }
    canvas
      ..save()
      ..translate((_origin - start) / scale.pixel, 0);
    if (_band case final path?) {
      canvas
        ..drawPath(path, band)
        // An extreme that is thinner than a pixel is seen by this.
        ..drawPath(path, edge);
    }
    canvas
      ..drawPath(_line, line)
      ..restore();
  }

  /// Whether the paths are for [scale]; what is moved is measured anew, and may differ in the last bits.
  bool _fits(_Scale scale) {
    final is_ = _scale;
    return is_ != null &&
        (is_.pixel - scale.pixel).abs() <= scale.pixel * 1e-6 &&
        is_.height == scale.height &&
        is_.lowest == scale.lowest &&
        is_.highest == scale.highest;
  }

  void _make(_Scale scale, double from, double until) {
    final samples = _curve.forPixel(scale.pixel * _sampleWidth);
    _scale = scale;
    _from = from;
    _until = until;
    _origin = from;
    _line = Path();
    _band = null;
    // One more on each side: the line leads out of the picture.
    final first = samples.firstFrom(from) - 1;
    final end = samples.firstFrom(until) + 1;
    var index = first < 0 ? 0 : first;
    final last = end > samples.length ? samples.length : end;
    while (index < last) {
      var after = index + 1;
      while (after < last && !samples.beginsPiece(after)) {
        after++;
      }
      _addPiece(samples, index, after, scale);
      index = after;
    }
  }

  void _addPiece(Samples samples, int first, int end, _Scale scale) {
    final perValue = scale.height / (scale.highest - scale.lowest);
    final Samples(:times, :values, :lows, :highs) = samples;
    double x(int index) => (times[index] - _origin) / scale.pixel;
    double y(double value) => (scale.highest - value) * perValue;

    _line.moveTo(x(first), y(values[first]));
    if (end - first == 1) {
      // With round ends, this is a dot.
      _line.relativeLineTo(0.01, 0);
    }
    var hasRange = lows[first] < highs[first];
    for (var index = first + 1; index < end; index++) {
      _line.lineTo(x(index), y(values[index]));
      hasRange = hasRange || lows[index] < highs[index];
    }
    if (!hasRange) {
      return;
    }
    final band = _band ??= Path();
    band.moveTo(x(first), y(highs[first]));
    for (var index = first + 1; index < end; index++) {
      band.lineTo(x(index), y(highs[index]));
    }
    if (end - first == 1) {
      band
        ..relativeLineTo(1, 0)
        ..lineTo(x(first) + 1, y(lows[first]));
    }
    for (var index = end - 1; index >= first; index--) {
      band.lineTo(x(index), y(lows[index]));
    }
    band.close();
  }
}

typedef _Scale = ({double pixel, double height, double lowest, double highest});
