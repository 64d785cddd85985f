import 'dart:async';

import 'package:flutter_dashboard/data/repositories/selected_grid.dart';
import 'package:flutter_dashboard/domain/models/freshness.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/dashboard/dashboard_view_model.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/fakes.dart';
import '../../../testing/models.dart';

void main() {
  late FakeGridRepository grids;
  late FakeAlertRepository alerts;
  late DateTime now;
  late SelectedGrid selected;
  late int saves;
  late DashboardViewModel model;

  setUp(() {
    grids = FakeGridRepository();
    alerts = FakeAlertRepository();
    now = kNow;
    saves = 0;
    selected = SelectedGrid();
    model = DashboardViewModel(
      grids: grids,
      alerts: alerts,
      selectedGrid: selected,
      saveLastKnown: () async => saves++,
      now: () => now,
    );
  });

  // The timers of these tests run on the clock of `testWidgets`.
  void timed(String description, Future<void> Function(WidgetTester) body) =>
      testWidgets(description, (tester) async {
        await body(tester);
        model.dispose();
      });

  timed('it begins with what was last known, before any answer', (
    tester,
  ) async {
    grids
      ..keptGrids = [kGrid]
      ..keptSummary = summary(
        receivedAt: kNow.subtract(const Duration(hours: 1)),
      );
    alerts
      ..kept = activeAlerts()
      ..held = Completer();

    unawaited(model.start());

    expect(model.link, Link.connecting);
    expect(model.summary!.values[Metric.consumption]!.value, 10.5);
    expect(model.alerts!.alerts, hasLength(3));
    expect(model.freshness(Metric.consumption, now), Freshness.offline);
    alerts.held!.complete();
  });

  timed('it asks again every five seconds', (tester) async {
    await model.start();
    expect(model.link, Link.online);
    expect(grids.summariesAsked, 1);

    await tester.pump(const Duration(seconds: 5));
    expect(grids.summariesAsked, 2);
    await tester.pump(const Duration(seconds: 5));
    expect(grids.summariesAsked, 3);
  });

  timed('without an answer it is offline, and asks less often', (tester) async {
    await model.start();
    grids.summaryAnswer = const Failed(Unreachable());
    await tester.pump(const Duration(seconds: 5));

    expect(model.link, Link.offline);
    expect(model.failure, isA<Unreachable>());
    expect(model.summary, isNotNull);
    expect(model.freshness(Metric.generation, now), Freshness.offline);

    final asked = grids.summariesAsked;
    await tester.pump(const Duration(seconds: 9));
    expect(grids.summariesAsked, asked);
    await tester.pump(const Duration(seconds: 1));
    expect(grids.summariesAsked, asked + 1);

    grids.summaryAnswer = Ok(summary());
    await tester.pump(const Duration(seconds: 20));
    expect(model.link, Link.online);
    expect(model.failure, isNull);
  });

  timed('a server that refuses is heard, and says why', (tester) async {
    alerts.activeAnswer = const Failed(Refused(503, 'The store is away.'));
    await model.start();

    expect(model.link, Link.online);
    expect((model.failure! as Refused).detail, 'The store is away.');
    expect(model.freshness(Metric.consumption, now), Freshness.live);
  });

  timed('nobody looking, nobody asks', (tester) async {
    await model.start();
    model.pause();
    await tester.pump(const Duration(minutes: 10));
    expect(grids.summariesAsked, 1);
    expect(saves, 1);

    model.resume();
    await tester.pump();
    expect(grids.summariesAsked, 2);
  });

  timed('while it is being asked it is not asked again', (tester) async {
    alerts.held = Completer();
    unawaited(model.start());
    await tester.pump();
    await model.refresh();
    expect(grids.summariesAsked, 1);
    alerts.held!.complete();
  });

  timed('an acknowledgement shows at once, and is sent once', (tester) async {
    await model.start();
    final alert = model.alerts!.alerts.first;

    final results = await Future.wait([
      model.acknowledge(alert),
      model.acknowledge(alert),
    ]);

    expect(results, everyElement(isA<Ok<void>>()));
    expect(alerts.acknowledgedIds, [alert.id]);
    expect(alerts.keys.single, matches(RegExp(r'^[0-9a-f]{32}$')));
    final shown = model.alerts!.alerts.firstWhere((one) => one.id == alert.id);
    expect(shown.acknowledged!.by, 'amina');
  });

  timed('an answer from before an acknowledgement does not undo it', (
    tester,
  ) async {
    await model.start();
    final alert = model.alerts!.alerts.first;
    alerts.held = Completer();
    unawaited(model.refresh());
    await tester.pump();

    await model.acknowledge(alert);
    alerts.held!.complete();
    await tester.pump();

    final shown = model.alerts!.alerts.firstWhere((one) => one.id == alert.id);
    expect(shown.acknowledged, isNotNull);
  });

  timed('an acknowledgement that fails says so', (tester) async {
    await model.start();
    alerts.acknowledgeFailure = const Unreachable();

    final result = await model.acknowledge(model.alerts!.alerts.first);

    expect(result, isA<Failed<void>>());
    expect(model.isAcknowledging(model.alerts!.alerts.first.id), isFalse);
  });

  timed('a grid that may not be seen any more is left', (tester) async {
    grids
      ..keptGrids = [const Grid(id: 'gone', name: 'Gone')]
      ..keptSummary = summary();
    await model.start();

    expect(model.gridId, kGrid.id);
  });

  timed('without a grid there is nothing to show', (tester) async {
    grids.gridsAnswer = const Ok([]);
    await model.start();

    expect(model.isEmpty, isTrue);
    expect(model.failure, isNull);
    expect(model.link, Link.online);
  });

  timed('it shows the grid that was chosen, also elsewhere', (tester) async {
    const other = Grid(id: 'village-2', name: 'Kisumu North');
    grids.gridsAnswer = const Ok([kGrid, other]);
    selected.choose(other.id);
    await model.start();
    expect(model.gridId, other.id);

    selected.choose(kGrid.id);
    await tester.pump();
    expect(model.gridId, kGrid.id);

    await model.showGrid(other.id);
    expect(selected.gridId, other.id);
  });

  timed('a chosen grid that is not there any more gives way', (tester) async {
    selected.choose('village-9');
    await model.start();

    expect(model.gridId, kGrid.id);
  });
}
