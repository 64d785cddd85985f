import 'dart:math';

/// Round numbers from at most [low] to at least [high], about [count] of them: where an axis has its lines.
List<double> valueTicks(double low, double high, {int count = 4}) {
  final span = high > low ? high - low : max(high.abs(), 1.0);
  final step = _roundUp(span / count);
  final first = (low / step).floor();
  final last = max((high / step).ceil(), first + 1);
  return [for (var tick = first; tick <= last; tick++) tick * step];
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

const _steps = [
  Duration(minutes: 5),
  Duration(minutes: 10),
  Duration(minutes: 15),
  Duration(minutes: 30),
  Duration(hours: 1),
  Duration(hours: 2),
  Duration(hours: 3),
  Duration(hours: 6),
  Duration(hours: 12),
  Duration(days: 1),
  Duration(days: 2),
  Duration(days: 7),
];

/// Round times on the clock of this device between [start] and [end], at most [count] of them.
List<DateTime> timeTicks(DateTime start, DateTime end, {required int count}) {
  final length = end.difference(start);
  final step = _steps.firstWhere(
    (step) => length.inSeconds <= step.inSeconds * count,
    orElse: () => _steps.last,
  );
  final local = start.toLocal();
  final ticks = <DateTime>[];
  // Stepped on the clock's face, not in hours that went by: 6:00 stays 6:00 when the clock is changed.
  for (
    var tick = DateTime(local.year, local.month, local.day);
    tick.isBefore(end);
    tick = DateTime(
      tick.year,
      tick.month,
      tick.day,
      tick.hour,
      tick.minute + step.inMinutes,
    )
  ) {
    if (!tick.isBefore(start)) {
      ticks.add(tick);
    }
  }
  return ticks;
}
