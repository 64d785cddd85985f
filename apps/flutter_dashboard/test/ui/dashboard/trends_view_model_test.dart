import 'dart:async';
import 'dart:convert';

import 'package:fake_async/fake_async.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/models/share_outcome.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/dashboard/trends_view_model.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/fakes.dart';
import '../../../testing/fakes/shares.dart';
import '../../../testing/models.dart';

void main() {
  late FakeHistoryRepository histories;
  late FakeShares shares;
  late TrendsViewModel model;

  setUp(() {
    histories = FakeHistoryRepository();
    shares = FakeShares();
    model = TrendsViewModel(histories: histories, share: shares.share);
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
    expect(model.lines.single.metric, Metric.stateOfCharge);
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

    expect(model.lines.single.metric, Metric.stateOfCharge);
  });

  test('a curve stays when it cannot be brought up to date', () async {
    await model.showGrid('village-1');
    histories.answer = (_, _) => const Failed(Unreachable());
    await model.load();

    expect(model.lines, hasLength(1));
    expect(model.failure, isA<Unreachable>());
  });

  test('the curve of another metric does not stay', () async {
    await model.showGrid('village-1');
    histories.answer = (_, _) => const Failed(Unreachable());
    await model.showMetric(Metric.generation);

    expect(model.lines, isEmpty);
    expect(model.failure, isA<Unreachable>());
  });

  test('what was last known is there before any answer', () async {
    histories.kept[(Metric.consumption, Period.day)] = history();
    final held = histories.held = Completer();
    final loading = model.showGrid('village-1');
    expect(model.lines, hasLength(1));

    held.complete();
    await loading;
    expect(model.failure, isNull);
  });

  test(
    'comparing shows all, each can be hidden, and the last one stays',
    () async {
      await model.showGrid('village-1');
      await model.compare(isOn: true);
      expect(model.lines.map((line) => line.metric), Metric.values);

      await model.showMetric(Metric.consumption);
      await model.showMetric(Metric.stateOfCharge);
      await model.showMetric(Metric.generation);
      expect(model.lines.map((line) => line.metric), [Metric.generation]);

      await model.compare(isOn: false);
      await model.showMetric(Metric.consumption);
      expect(model.lines.map((line) => line.metric), [Metric.consumption]);
    },
  );

  test(
    'of several curves, those that came are shown, with why others did not',
    () async {
      await model.showGrid('village-1');
      histories.answer = (metric, period) => metric == Metric.generation
          ? const Failed(Unreachable())
          : Ok(history(metric: metric));
      await model.compare(isOn: true);

      expect(model.lines.map((line) => line.metric), [
        Metric.consumption,
        Metric.stateOfCharge,
      ]);
      expect(model.failure, isA<Unreachable>());
    },
  );

  group('what is looked at closely', () {
    History fine(Metric metric, DateTime start, DateTime end) => History(
      metric: metric,
      start: start,
      end: end,
      lines: history(metric: metric, count: 500).lines,
    );

    setUp(() async {
      histories.detailAnswer = (metric, start, end) =>
          Ok(fine(metric, start, end));
      await model.showGrid('village-1');
    });

    double at(Duration ago) =>
        kNow.subtract(ago).millisecondsSinceEpoch.toDouble();

    test('is asked for once the chart is not moved any more', () {
      fakeAsync((time) {
        for (var step = 0; step < 10; step++) {
          model.viewport.show(
            at(Duration(hours: 12 - step)),
            at(Duration(hours: 10 - step)),
          );
          time.elapse(const Duration(milliseconds: 100));
        }
        expect(histories.detailsAsked, isEmpty);

        time.elapse(TrendsViewModel.settled);
        final (metric, start, end) = histories.detailsAsked.single;
        expect(metric, Metric.consumption);
        expect(start, kNow.subtract(const Duration(hours: 5)).toUtc());
        expect(end, kNow.toUtc(), reason: 'there is nothing later');
        expect(model.lines.single.detail, isNotNull);
      });
    });

    test('is not asked for again while it is there', () {
      fakeAsync((time) {
        model.viewport.show(
          at(const Duration(hours: 4)),
          at(const Duration(hours: 2)),
        );
        time.elapse(const Duration(seconds: 1));
        model.viewport.pan(
          const Duration(minutes: 30).inMilliseconds.toDouble(),
        );
        time.elapse(const Duration(seconds: 1));
        expect(histories.detailsAsked, hasLength(1));

        model.viewport.zoom(8, around: model.viewport.start);
        time.elapse(const Duration(seconds: 1));
        expect(
          histories.detailsAsked,
          hasLength(2),
          reason: 'finer is to be had',
        );

        model.viewport.reset();
        time.elapse(const Duration(seconds: 1));
        expect(histories.detailsAsked, hasLength(2));
      });
    });

    test('stays what it was when it cannot be had', () {
      fakeAsync((time) {
        histories.detailAnswer = (_, _, _) => const Failed(Unreachable());
        model.viewport.show(
          at(const Duration(hours: 4)),
          at(const Duration(hours: 2)),
        );
        time.elapse(const Duration(seconds: 1));

        expect(model.detailFailure, isA<Unreachable>());
        expect(model.isLoadingDetail, isFalse);
        expect(model.lines.single.detail, isNull);
      });
    });

    test('of another period is forgotten', () {
      fakeAsync((time) {
        model.viewport.show(
          at(const Duration(hours: 4)),
          at(const Duration(hours: 2)),
        );
        time.elapse(const Duration(seconds: 1));
        unawaited(model.showPeriod(Period.week));
        time.elapse(const Duration(seconds: 1));

        expect(model.lines.single.detail, isNull);
        expect(model.viewport.isZoomed, isFalse);
      });
    });
  });

  test('a curve with every measured value has no more detail', () {
    fakeAsync((time) {
      histories.answer = (metric, period) => Ok(
        History(
          metric: metric,
          start: kNow.subtract(period.length),
          end: kNow,
          isComplete: true,
          lines: history().lines,
        ),
      );
      unawaited(model.showGrid('village-1'));
      time.elapse(const Duration(seconds: 1));
      model.viewport.zoom(4, around: model.viewport.start);
      time.elapse(const Duration(seconds: 1));
      expect(histories.detailsAsked, isEmpty);
    });
  });

  test('no question comes after the end', () {
    fakeAsync((time) {
      final other = TrendsViewModel(histories: histories, share: shares.share);
      unawaited(other.showGrid('village-1'));
      time.elapse(const Duration(seconds: 1));
      other.viewport.zoom(4, around: other.viewport.start);
      other.dispose();
      expect(time.pendingTimers, isEmpty);
    });
  });

  test('a table has what is shown', () async {
    await model.showGrid('village-1');
    model.viewport.show(
      kNow.subtract(const Duration(hours: 2)).millisecondsSinceEpoch.toDouble(),
      kNow.subtract(const Duration(hours: 1)).millisecondsSinceEpoch.toDouble(),
    );
    expect(await model.shareTable(), isA<SavedAs>());

    final file = shares.files.single;
    expect(file.name, 'village-1_consumption_kw_2026-11-24T09-30.csv');
    expect(file.mimeType, 'text/csv');
    expect('\r\n'.allMatches(utf8.decode(file.bytes)), hasLength(1 + 5));
  });
}
