import 'dart:io';

import 'package:flutter_dashboard/config/dependencies.dart';
import 'package:flutter_dashboard/data/repositories/settings_repository.dart';
import 'package:flutter_dashboard/data/services/local/json_file.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/models/server_address.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/platform/app_storage.dart';
import 'package:flutter_dashboard/platform/token_store.dart';
import 'package:flutter_test/flutter_test.dart';

/// The app's own code on a server as `make run` starts it, with its simulator on.
final _server = Platform.environment['MICROGRID_TEST_SERVER'];

T valueOf<T>(Result<T> result) => switch (result) {
  Ok(:final value) => value,
  Failed(:final failure) => throw StateError('it failed: $failure'),
};

void main() {
  if (_server == null) {
    test('a real server', () {}, skip: 'MICROGRID_TEST_SERVER is not set');
    return;
  }
  late Directory folder;
  late MemoryTokenStore tokens;

  setUpAll(() => HttpOverrides.global = null);

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('real-server');
    tokens = MemoryTokenStore();
  });

  tearDown(() => folder.delete(recursive: true));

  Future<Dependencies> open() => Dependencies.remote(
    FileSettingsRepository(
      JsonFile(File('${folder.path}/settings.json')),
      defaultServer: serverAddress(_server!),
    ),
    AppStorage(
      tokens: tokens,
      cacheFile: File('${folder.path}/known.json'),
      actionsFile: File('${folder.path}/actions.json'),
      settingsFile: File('${folder.path}/settings.json'),
    ),
  );

  test('a wrong password is refused, in words', () async {
    final app = await open();
    final result = await app.auth.signIn('user', 'wrong');

    expect(
      ((result as Failed<void>).failure as Refused).detail,
      'The user name or the password is wrong.',
    );
    expect(app.auth.isSignedIn, isFalse);
  });

  test('values, alerts and curves come, and stay over a restart', () async {
    final app = await open();
    valueOf(await app.auth.signIn('user', 'password'));

    final grid = valueOf(await app.grids.grids()).first;
    final summary = valueOf(await app.grids.summary(grid.id));
    expect(summary.values.keys, containsAll(Metric.values));
    valueOf(await app.alerts.active(grid.id));
    for (final metric in Metric.values) {
      for (final period in Period.values) {
        final curve = valueOf(
          await app.histories.history(grid.id, metric, period),
        );
        expect(curve.metric, metric);
      }
    }
    await app.saveLastKnown();

    final restarted = await open();
    expect(restarted.auth.isSignedIn, isTrue);
    expect(restarted.grids.lastKnownGrids().first.id, grid.id);
    final known = restarted.grids.lastKnownSummary(grid.id)!;
    expect(
      known.values[Metric.consumption]!.value,
      summary.values[Metric.consumption]!.value,
    );
    expect(restarted.alerts.lastKnownActive(grid.id), isNotNull);
  });

  test('an acknowledgement shows on the server', () async {
    final app = await open();
    valueOf(await app.auth.signIn('user', 'password'));
    final Grid grid = valueOf(await app.grids.grids()).first;

    // The prototype's device breaks a rule every few readings.
    final Alert alert = await _firstAlert(app, grid.id);
    final acknowledged = valueOf(
      await app.alerts.acknowledge(alert.id, key: 'real-server-${alert.id}'),
    );

    expect(acknowledged.acknowledged!.by, 'user');
    final active = valueOf(await app.alerts.active(grid.id)).alerts;
    for (final one in active.where((one) => one.id == alert.id)) {
      expect(one.acknowledged, isNotNull);
    }
  });
}

Future<Alert> _firstAlert(Dependencies app, String gridId) async {
  final patience = Stopwatch()..start();
  while (patience.elapsed < const Duration(minutes: 1)) {
    final active = valueOf(await app.alerts.active(gridId)).alerts;
    if (active.isNotEmpty) {
      return active.first;
    }
    await Future<void>.delayed(const Duration(milliseconds: 200));
  }
  throw StateError('no alert came');
}
