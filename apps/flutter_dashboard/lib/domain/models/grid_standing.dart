import 'alert.dart';
import 'freshness.dart';
import 'grid_summary.dart';
import 'metric.dart';

/// How a grid stands, in a line among others.
class GridStanding {
  const GridStanding({
    required this.gridId,
    required this.name,
    required this.values,
    required this.newest,
    required this.alerts,
    required this.devices,
    required this.connected,
  });

  final String gridId;
  final String name;

  /// Of which nothing came in the last 24 hours, is absent.
  final Map<Metric, double> values;

  /// The newest of the values, which alone has a known age; null when there is none.
  final Measurement? newest;

  /// How many are open, by severity.
  final Map<Severity, int> alerts;

  /// How many devices there are.
  final int devices;

  /// How many of them are connected.
  final int connected;

  int get _lost => devices - connected;

  /// The worst first; where nothing is wrong, by name. [now] is the present by the clock of this device.
  static int Function(GridStanding, GridStanding) worstFirst(DateTime now) =>
      (one, other) => [
        for (final severity in [Severity.critical, Severity.warning])
          (other.alerts[severity] ?? 0).compareTo(one.alerts[severity] ?? 0),
        other._silence(now).compareTo(one._silence(now)),
        other._lost.compareTo(one._lost),
        one.name.toLowerCase().compareTo(other.name.toLowerCase()),
        one.gridId.compareTo(other.gridId),
      ].firstWhere((order) => order != 0, orElse: () => 0);

  /// 0 of a grid that is heard, 1 of one that was, 2 of one that never was.
  int _silence(DateTime now) =>
      switch (freshnessOf(newest, isOnline: true, now: now)) {
        Freshness.live => 0,
        Freshness.stale || Freshness.offline => 1,
        Freshness.unknown => 2,
      };
}

/// How all grids of the user stand.
class Overview {
  const Overview({required this.grids, required this.receivedAt});

  final List<GridStanding> grids;

  /// By the clock of this device.
  final DateTime receivedAt;
}
