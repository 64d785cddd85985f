import 'dart:math';

import 'package:flutter/foundation.dart';

import '../../../domain/models/history.dart';

/// Which part of the time a chart shows. All times are in milliseconds since 1970, UTC.
///
/// It never leaves the time that there are curves for, and never shows less than [shortest].
class ChartViewport extends ChangeNotifier {
  double _first = 0;
  double _last = 1;
  double _start = 0;
  double _end = 1;

  /// Whether less than everything is shown: [isZoomed], for those who do not want to be told of every move.
  final zoomed = ValueNotifier(false);

  /// A minute: in less there is nothing to be seen.
  static const shortest = 60000.0;

  /// All of the time that can be shown.
  double get first => _first;
  double get last => _last;

  /// What is shown of it.
  double get start => _start;
  double get end => _end;
  double get length => _end - _start;

  /// How far from a value one still points at it.
  double get slack => length / 50;

  bool get isZoomed => length < (_last - _first) * (1 - 1e-9);

  DateTime get startTime => timeOf(_start);
  DateTime get endTime => timeOf(_end);

  static DateTime timeOf(double milliseconds) =>
      DateTime.fromMillisecondsSinceEpoch(milliseconds.round(), isUtc: true);

  /// There are curves from [first] to [last] now.
  ///
  /// What is looked at stays; but who looks at the newest goes on looking at the newest.
  void setLimits(double first, double last) {
    if (first == _first && last == _last) {
      return;
    }
    final wasWhole = !isZoomed;
    final sawNewest = _end >= _last;
    final length = this.length;
    _first = first;
    _last = max(last, first + shortest);
    if (wasWhole) {
      _show(_first, _last - _first);
    } else {
      _show(sawNewest ? _last - length : _start, length);
    }
    notifyListeners();
  }

  void setLimitsOf(History history) => setLimits(
    history.start.millisecondsSinceEpoch.toDouble(),
    history.end.millisecondsSinceEpoch.toDouble(),
  );

  /// Show everything.
  void reset() => show(_first, _last);

  /// Show [start] to [end], as far as that is within the limits.
  void show(double start, double end) {
    final (startBefore, endBefore) = (_start, _end);
    _show(start, end - start);
    if (startBefore != _start || endBefore != _end) {
      notifyListeners();
    }
  }

  /// Show what is there so many milliseconds later.
  void pan(double milliseconds) =>
      show(_start + milliseconds, _end + milliseconds);

  /// Show [factor] times as much detail; [around] stays where it is.
  void zoom(double factor, {required double around}) {
    final length = _lengthWithin(this.length / factor);
    final share = (around - _start) / this.length;
    final start = around - share * length;
    show(start, start + length);
  }

  double _lengthWithin(double length) =>
      min(max(length, shortest), _last - _first);

  void _show(double start, double length) {
    final within = _lengthWithin(length);
    _start = min(max(start, _first), _last - within);
    _end = within == _last - _first ? _last : _start + within;
    zoomed.value = isZoomed;
  }

  @override
  void dispose() {
    zoomed.dispose();
    super.dispose();
  }
}
