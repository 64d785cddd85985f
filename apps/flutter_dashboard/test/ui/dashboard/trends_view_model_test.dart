import 'dart:async';

import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/dashboard/trends_view_model.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/fakes.dart';

void main() {
  late FakeHistoryRepository histories;
  late TrendsViewModel model;

  setUp(() {
    histories = FakeHistoryRepository();
    model = TrendsViewModel(histories: histories);
  });

  tearDown(() => model.dispose());

  test('another metric is another curve', () async {
    await model.showGrid('village-1');
    await model.showMetric(Metric.stateOfCharge);
    await model.showPeriod(Period.week);

    expect(histories.asked, [
      ('village-1', Metric.consumption, Period.day),
      ('village-1', Metric.stateOfCharge, Period.day),
      ('village-1', Metric.stateOfCharge, Period.week),
    ]);
    expect(model.history!.metric, Metric.stateOfCharge);
  });

  test('what is shown already is not asked for', () async {
    await model.showGrid('village-1');
    await model.showGrid('village-1');
    await model.showMetric(Metric.consumption);

    expect(histories.asked, hasLength(1));
  });

  test('a late answer to an earlier question does not show', () async {
    await model.showGrid('village-1');
    final held = histories.held = Completer();
    final late = model.showMetric(Metric.generation);
    histories.held = null;
    await model.showMetric(Metric.stateOfCharge);
    held.complete();
    await late;

    expect(model.history!.metric, Metric.stateOfCharge);
    expect(model.isLoading, isFalse);
  });

  test('a curve stays when it cannot be brought up to date', () async {
    await model.showGrid('village-1');
    histories.answer = (_, _) => const Failed(Unreachable());
    await model.load();

    expect(model.history, isNotNull);
    expect(model.failure, isA<Unreachable>());
  });

  test('the curve of another metric does not stay', () async {
    await model.showGrid('village-1');
    histories.answer = (_, _) => const Failed(Unreachable());
    await model.showMetric(Metric.generation);

    expect(model.history, isNull);
    expect(model.failure, isA<Unreachable>());
  });
}
