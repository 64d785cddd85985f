import 'dart:convert';
import 'dart:io';

import 'package:flutter_dashboard/data/model/alert_json.dart';
import 'package:flutter_dashboard/data/model/grid_json.dart';
import 'package:flutter_dashboard/data/model/history_json.dart';
import 'package:flutter_dashboard/data/model/overview_json.dart';
import 'package:flutter_dashboard/data/model/tokens.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_test/flutter_test.dart';

/// An answer as the API gave it.
Map<String, Object?> answer(String name) =>
    jsonDecode(File('test/answers/$name.json').readAsStringSync())
        as Map<String, Object?>;

void main() {
  final now = DateTime.utc(2026, 11, 24, 4, 46);

  test('a login without an end has neither end nor refresh token', () {
    final tokens = Tokens.fromAnswer(answer('login'), now);

    expect(tokens.accessToken, 'prototype_token');
    expect(tokens.refreshToken, isNull);
    expect(tokens.expiresAt, isNull);
  });

  test('tokens are the same after they were kept', () {
    final tokens = Tokens.fromAnswer({
      'access_token': 'a',
      'refresh_token': 'r',
      'expires_in': 900,
    }, now);
    final kept = Tokens.fromJson(jsonDecode(jsonEncode(tokens.toJson())));

    expect(kept.accessToken, 'a');
    expect(kept.refreshToken, 'r');
    expect(kept.expiresAt, now.add(const Duration(minutes: 15)));
  });

  test('grids have their names', () {
    final grid = gridsFromJson(answer('overview')).single;

    expect((grid.id, grid.name), ('default', 'Kisumu South'));
  });

  test('of an overview only the newest value has an age', () {
    final page = pageFromJson(answer('overview'));
    final grid = overviewFromJson(page.grids, now).grids.single;

    expect(page.next, isNull);
    expect(grid.values, {
      Metric.consumption: 14.11,
      Metric.generation: 6.42,
      Metric.stateOfCharge: 41.0,
    });
    expect(grid.newest!.age(now), const Duration(milliseconds: 1929));
    expect(grid.alerts, {
      Severity.critical: 1,
      Severity.warning: 2,
      Severity.info: 0,
    });
    expect((grid.devices, grid.connected), (1, 1));
  });

  test('a summary has the three figures, with their ages', () {
    final json = answer('summary');
    final summary = summaryFromJson(json, now);
    final sent = ((json['values']! as Map)['battery_soc'] as Map);

    expect(summary.name, 'Kisumu South');
    expect(summary.values.keys, Metric.values);
    final soc = summary.values[Metric.stateOfCharge]!;
    expect(soc.value, 41);
    expect(
      soc.age(now).inMilliseconds,
      ((sent['age_seconds'] as num) * 1000).round(),
    );
  });

  test('of what is not in a summary nothing is known', () {
    final json = answer('summary');
    (json['values']! as Map).remove('generation_kw');

    expect(
      summaryFromJson(json, now).values.keys,
      isNot(contains(Metric.generation)),
    );
  });

  test('alerts come with the most urgent first', () {
    final alerts = activeAlertsFromJson(answer('alerts'));

    expect(alerts.hasMore, isFalse);
    expect(alerts.alerts.map((alert) => alert.severity), [
      Severity.critical,
      Severity.warning,
      Severity.warning,
    ]);
    final first = alerts.alerts.first;
    expect(first.message, 'Predictive alert: high temperature on equipment.');
    expect(first.deviceId, 'prototype');
    expect(first.recommendedAction, isNotEmpty);
    expect(first.raisedAt.isUtc, isTrue);
    expect(first.acknowledged, isNull);
  });

  test('a severity that this version does not know is taken as critical', () {
    final json = answer('alerts');
    ((json['alerts']! as List).first as Map)['severity'] = 'catastrophic';

    expect(
      activeAlertsFromJson(json).alerts
          .where((alert) => alert.severity == Severity.critical)
          .length,
      2,
    );
  });

  test('an acknowledged alert says by whom, and what they wrote', () {
    final alert = alertFromJson(answer('acknowledged'));

    expect(alert.acknowledged!.by, 'user');
    expect(alert.notes.single.text, 'Pump house checked.');
  });

  test('a null in a curve is a gap', () {
    final json = answer('history');
    final history = historyFromJson(json, Metric.generation);
    final sent = json['points']! as List;

    expect(history.lines.length, 2);
    expect(history.points.length, sent.length - 1);
    expect(history.points.first.time, DateTime.utc(2026, 11, 23, 4));
    expect(history.points.first.lowest, 5.81);
    expect(history.points.first.highest, 6.59);
    expect(
      history.isComplete,
      isFalse,
      reason: 'hours are not what was measured',
    );
  });

  test('points of several devices are curves of their own', () {
    Map<String, Object?> point(String time, double? value, String device) => {
      'time': time,
      'value': value,
      'min': value,
      'max': value,
      'device_id': device,
    };
    final history = historyFromJson({
      'from': '2026-11-24T00:00:00.000Z',
      'to': '2026-11-24T01:00:00.000Z',
      'granularity': 'raw',
      'thinned': false,
      'points': [
        point('2026-11-24T00:10:00.000Z', 1, 'a'),
        point('2026-11-24T00:11:00.000Z', 5, 'b'),
        point('2026-11-24T00:20:00.000Z', 2, 'a'),
        point('2026-11-24T00:21:00.000Z', null, 'b'),
        point('2026-11-24T00:31:00.000Z', 6, 'b'),
      ],
    }, Metric.consumption);

    expect(
      history.lines.map((line) => line.map((point) => point.value).toList()),
      [
        [1, 2],
        [5],
        [6],
      ],
    );
    expect(history.isComplete, isTrue);
  });

  for (final (name, spoilt) in [
    ('no object', <Object?>[]),
    ('no values', {'grid_id': 'a', 'name': 'a'}),
    (
      'text for a number',
      {
        'grid_id': 'a',
        'name': 'a',
        'values': {
          'battery_soc': {'value': 'full', 'age_seconds': 1},
        },
      },
    ),
  ]) {
    test('$name is refused', () {
      expect(() => summaryFromJson(spoilt, now), throwsFormatException);
    });
  }
}
