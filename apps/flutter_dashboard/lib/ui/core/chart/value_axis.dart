import 'dart:math';

import '../../../domain/models/history.dart';
import '../../../domain/models/metric.dart';
import 'ticks.dart';

/// The axis of all curves in one unit: two in the same unit can be compared.
class ValueAxis {
  ValueAxis(this.unit, this.ticks);

  final String unit;

  /// Round values, from the lowest to the highest of the axis.
  final List<double> ticks;

  double get lowest => ticks.first;
  double get highest => ticks.last;

  /// Where a value is: 0 at the lowest, 1 at the highest.
  double shareOf(double value) => (value - lowest) / (highest - lowest);
}

/// Between two lines of the grid where there are several axes: each has its values on the same lines.
const _sharedIntervals = 4;

/// The axes for some curves, in their order, one for each unit.
List<ValueAxis> axesFor(Iterable<History> histories) {
  final byUnit = <String, List<History>>{};
  for (final history in histories) {
    byUnit.putIfAbsent(history.metric.unit, () => []).add(history);
  }
  return [
    for (final MapEntry(key: unit, value: curves) in byUnit.entries)
      ValueAxis(unit, _ticks(curves, areShared: byUnit.length > 1)),
  ];
}

List<double> _ticks(List<History> curves, {required bool areShared}) {
  if (curves.any((curve) => curve.metric == Metric.stateOfCharge)) {
    return const [0, 25, 50, 75, 100];
  }
  // Powers are compared with nothing at all: the axis begins there.
  var low = 0.0;
  var high = 0.0;
  for (final curve in curves) {
    for (final point in curve.points) {
      low = min(low, point.lowest);
      high = max(high, point.highest);
    }
  }
  return areShared
      ? valueTicksInSteps(low, high, steps: _sharedIntervals)
      : valueTicks(low, high);
}
