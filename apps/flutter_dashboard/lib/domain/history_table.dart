import 'models/history.dart';

/// Curves as a table for spreadsheets: CSV after RFC 4180, in UTF-8.
///
/// A row has its time on the clock of this device, with its offset, and in UTC; of each curve, under the name in [names],
/// the value and its unit, and the lowest and highest of what it stands for. Only what lies between [start] and [end] is in
/// it. In a gap is a row without a value, so that no chart that is made of it draws a line over it.
String historyTable(
  List<(String name, History history)> curves, {
  required DateTime start,
  required DateTime end,
}) {
  final rows = <DateTime, List<List<String>>>{};
  for (final (column, (_, history)) in curves.indexed) {
    void put(DateTime time, List<String> cells) {
      if (time.isBefore(start) || time.isAfter(end)) {
        return;
      }
      // Of several devices, two may have measured at the same time.
      final sameTime = rows.putIfAbsent(time, () => []);
      var row = sameTime
          .where((row) => row[column * _cells].isEmpty)
          .firstOrNull;
      if (row == null) {
        sameTime.add(row = List.filled(curves.length * _cells, ''));
      }
      row.setAll(column * _cells, cells);
    }

    for (final (index, piece) in history.lines.indexed) {
      for (final point in piece) {
        put(point.time, [
          '${point.value}',
          '${point.lowest}',
          '${point.highest}',
        ]);
      }
      final next = history.lines.elementAtOrNull(index + 1);
      if (next != null && next.first.time.isAfter(piece.last.time)) {
        final length = next.first.time.difference(piece.last.time);
        put(piece.last.time.add(length ~/ 2), const ['', '', '']);
      }
    }
  }
  final times = rows.keys.toList()..sort();
  return [
    [
      'time [${end.toLocal().timeZoneName}]',
      'time_utc',
      for (final (name, history) in curves)
        for (final which in const ['', ' min', ' max'])
          '$name$which [${history.metric.unit}]',
    ],
    for (final time in times)
      for (final row in rows[time]!)
        [_local(time), time.toUtc().toIso8601String(), ...row],
  ].map((row) => '${row.map(_quoted).join(',')}\r\n').join();
}

const _cells = 3;

String _quoted(String cell) => cell.contains(RegExp('[",\r\n]'))
    ? '"${cell.replaceAll('"', '""')}"'
    : cell;

/// In ISO 8601, with the offset that the clock had then.
String _local(DateTime time) {
  final local = time.toLocal();
  final offset = local.timeZoneOffset;
  final minutes = offset.inMinutes.abs();
  final hours = '${minutes ~/ 60}'.padLeft(2, '0');
  final rest = '${minutes % 60}'.padLeft(2, '0');
  // That of a local time ends without an offset.
  return '${local.toIso8601String()}${offset.isNegative ? '-' : '+'}$hours:$rest';
}
