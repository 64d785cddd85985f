import 'grid_summary.dart';

/// How far a value can be relied on.
enum Freshness {
  /// It is what was just measured.
  live,

  /// The server is heard, but the value is older than it should be.
  stale,

  /// The server is heard, and knows of no value.
  unknown,

  /// The server is not heard: the value, if there is one, is the last that was.
  offline,
}

/// From this age on a value is stale; the server uses the same limit.
const staleAfter = Duration(minutes: 5);

/// How far a value can be relied on at [now]; [isOnline] says whether the server is heard.
Freshness freshnessOf(
  Measurement? measurement, {
  required bool isOnline,
  required DateTime now,
}) {
  if (!isOnline) {
    return Freshness.offline;
  }
  if (measurement == null) {
    return Freshness.unknown;
  }
  return measurement.age(now) > staleAfter ? Freshness.stale : Freshness.live;
}
