import 'dart:convert';

import 'package:flutter_dashboard/domain/history_table.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  final start = DateTime.utc(2026, 11, 24, 7);

  HistoryPoint point(int minute, double value) => HistoryPoint(
    time: start.add(Duration(minutes: minute)),
    value: value,
    lowest: value - 1,
    highest: value + 1,
  );

  History history(Metric metric, List<List<HistoryPoint>> lines) => History(
    metric: metric,
    start: start,
    end: start.add(const Duration(hours: 1)),
    lines: lines,
  );

  List<List<String>> rows(
    List<(String, History)> curves, {
    int from = 0,
    int until = 60,
  }) {
    final table = historyTable(
      curves,
      start: start.add(Duration(minutes: from)),
      end: start.add(Duration(minutes: until)),
    );
    expect(table, endsWith('\r\n'));
    return [
      for (final row in const LineSplitter().convert(table)) row.split(','),
    ];
  }

  test('the head has names, units and the time zone', () {
    final head = rows([
      ('consumption_kw', history(Metric.consumption, const [])),
    ]).single;
    expect(head.first, startsWith('time ['));
    expect(head.skip(1), [
      'time_utc',
      'consumption_kw [kW]',
      'consumption_kw min [kW]',
      'consumption_kw max [kW]',
    ]);
  });

  test('curves share the rows of their times', () {
    final table = rows([
      (
        'a',
        history(Metric.consumption, [
          [point(0, 5), point(10, 6)],
        ]),
      ),
      (
        'b',
        history(Metric.stateOfCharge, [
          [point(10, 70), point(20, 71)],
        ]),
      ),
    ]).skip(1).map((row) => row.skip(1)).toList();

    expect(table, [
      ['2026-11-24T07:00:00.000Z', '5.0', '4.0', '6.0', '', '', ''],
      ['2026-11-24T07:10:00.000Z', '6.0', '5.0', '7.0', '70.0', '69.0', '71.0'],
      ['2026-11-24T07:20:00.000Z', '', '', '', '71.0', '70.0', '72.0'],
    ]);
  });

  test('the local time is the same time', () {
    final table = rows([
      (
        'a',
        history(Metric.consumption, [
          [point(0, 5)],
        ]),
      ),
    ]);
    expect(DateTime.parse(table[1][0]).toUtc(), DateTime.parse(table[1][1]));
  });

  test('in a gap is a row without a value', () {
    final table = rows([
      (
        'a',
        history(Metric.consumption, [
          [point(0, 5)],
          [point(30, 6)],
        ]),
      ),
    ]);
    expect(table[2].skip(1), ['2026-11-24T07:15:00.000Z', '', '', '']);
    expect(table, hasLength(4));
  });

  test('only what is shown is in it', () {
    final curve = history(Metric.consumption, [
      [for (var minute = 0; minute < 60; minute++) point(minute, 5)],
    ]);
    expect(rows([('a', curve)], from: 10, until: 20), hasLength(1 + 11));
  });

  test('of devices that measured at the same time, none is lost', () {
    final table = rows([
      (
        'a',
        history(Metric.consumption, [
          [point(0, 5)],
          [point(0, 8)],
        ]),
      ),
    ]);
    expect(table.skip(1).map((row) => row[2]), ['5.0', '8.0']);
  });
}
