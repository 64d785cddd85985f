import 'dart:math';

/// Round numbers from at most [low] to at least [high], about [count] of them: where an axis has its lines.
List<double> valueTicks(double low, double high, {int count = 4}) {
  final span = high > low ? high - low : max(high.abs(), 1.0);
  final step = _roundUp(span / count);
  final first = (low / step).floor();
  final last = max((high / step).ceil(), first + 1);
  return [for (var tick = first; tick <= last; tick++) tick * step];
}

/// The same in exactly so many [steps].
List<double> valueTicksInSteps(double low, double high, {required int steps}) {
  final span = high > low ? high - low : max(high.abs(), 1.0);
  var step = _roundUp(span / steps);
  // Where the lowest is between two lines, one step more may be needed than fits.
  while ((low / step).floor() + steps < high / step) {
    step = _roundUp(step * 1.01);
  }
  final first = (low / step).floor();
  return [for (var tick = 0; tick <= steps; tick++) (first + tick) * step];
}

double _roundUp(double step) {
  final magnitude = pow(10, (log(step) / ln10).floor()).toDouble();
  for (final factor in const [1.0, 2.0, 2.5, 5.0]) {
    // Not to be thrown off by the last bit of a product.
    if (step <= factor * magnitude * (1 + 1e-9)) {
      return factor * magnitude;
    }
  }
  return 10 * magnitude;
}

/// A round time on the clock of this device.
class TimeTick {
  const TimeTick(this.time, {required this.showsSeconds});

  /// On the clock of this device.
  final DateTime time;

  /// Whether its neighbours are less than a minute away.
  final bool showsSeconds;

  /// Whether a day begins here.
  bool get isMidnight => time.hour == 0 && time.minute == 0 && time.second == 0;
}

const _minute = 60;
const _hour = 60 * _minute;
const _day = 24 * _hour;

/// In seconds; those below a day divide it.
const _steps = [
  5,
  10,
  15,
  30,
  _minute,
  2 * _minute,
  5 * _minute,
  10 * _minute,
  15 * _minute,
  30 * _minute,
  _hour,
  2 * _hour,
  3 * _hour,
  6 * _hour,
  12 * _hour,
  _day,
  2 * _day,
  7 * _day,
  14 * _day,
];

/// Round times between [start] and [end], at most [count] of them.
List<TimeTick> timeTicks(DateTime start, DateTime end, {required int count}) {
  final length = end.difference(start).inSeconds;
  final step = _steps.firstWhere(
    (step) => length <= step * count,
    orElse: () => _steps.last,
  );
  final ticks = <TimeTick>[];
  for (final time in _roundTimes(start.toLocal(), step)) {
    if (time.isAfter(end)) {
      break;
    }
    // When the clock is put forward, two times on its face are one.
    final isNew = ticks.isEmpty || time.isAfter(ticks.last.time);
    if (!time.isBefore(start) && isNew) {
      ticks.add(TimeTick(time, showsSeconds: step < _minute));
    }
  }
  return ticks;
}

/// From the last before [start] on, without end.
///
/// Stepped on the clock's face, not in hours that went by: 6:00 stays 6:00 when the clock is changed.
Iterable<DateTime> _roundTimes(DateTime start, int step) sync* {
  final DateTime(:year, :month, :day) = start;
  if (step >= _day) {
    final days = step ~/ _day;
    // Counted from a Monday, so that the same days are marked wherever one looks.
    final since = DateTime.utc(
      year,
      month,
      day,
    ).difference(DateTime.utc(1970, 1, 5)).inDays;
    for (var at = day - since % days; ; at += days) {
      yield DateTime(year, month, at);
    }
  }
  final passed = start.hour * _hour + start.minute * _minute + start.second;
  for (var at = passed - passed % step; ; at += step) {
    yield DateTime(year, month, day + at ~/ _day, 0, 0, at % _day);
  }
}
