import 'metric.dart';

/// A grid that the user may see.
class Grid {
  const Grid({required this.id, required this.name});

  final String id;
  final String name;
}

/// The newest values of a grid.
class GridSummary {
  const GridSummary({
    required this.gridId,
    required this.name,
    required this.receivedAt,
    required this.values,
  });

  final String gridId;
  final String name;

  /// By the clock of this device.
  final DateTime receivedAt;

  /// Of which nothing is known, is absent.
  final Map<Metric, Measurement> values;
}

/// A measured value.
class Measurement {
  const Measurement({
    required this.value,
    required this.ageAtReceipt,
    required this.receivedAt,
  });

  final double value;

  /// How old it was when it came, by the clock of the server.
  final Duration ageAtReceipt;

  /// By the clock of this device.
  final DateTime receivedAt;

  /// How old it is at [now]. That the two clocks differ makes no difference.
  Duration age(DateTime now) {
    final since = now.difference(receivedAt);
    return ageAtReceipt + (since.isNegative ? Duration.zero : since);
  }
}
