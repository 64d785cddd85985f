import 'dart:math';

import 'package:flutter_dashboard/data/repositories/queued_action_repository.dart';
import 'package:flutter_dashboard/data/services/connection.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';

import '../fakes.dart';
import '../models.dart';
import 'alert_server.dart';

/// One phone with the queue of its user's actions.
class Phone {
  Phone(this.server, {this.user = 'amina'})
    : sender = FakeActionSender(server, user: user) {
    auth.username = user;
  }

  final FakeAlertServer server;
  final String user;
  final FakeActionSender sender;
  final kept = FakeKeptActions();
  FakeAuth auth = FakeAuth();

  /// By the clock of this phone.
  DateTime now = kNow;

  late Connection connection;
  late QueuedActionRepository actions;
  int _keys = 0;

  /// Start the app.
  Future<void> start() {
    connection = Connection();
    actions = QueuedActionRepository(
      sender: sender,
      kept: kept,
      auth: auth,
      connection: connection,
      now: () => now,
      random: Random(1),
    );
    return actions.start();
  }

  /// Start it anew: what is in memory is gone.
  Future<void> restart() {
    actions.dispose();
    return start();
  }

  AlertAction action(
    ActionKind kind, {
    String alertId = 'alert-village-1-7',
    String? text,
    Duration? shelveFor,
    String? key,
  }) => AlertAction(
    key: key ?? '$user-${_keys++}',
    gridId: kGrid.id,
    alertId: alertId,
    kind: kind,
    text: text,
    shelveFor: shelveFor,
    madeAt: now,
  );

  /// Do something, and wait until nothing more happens by itself.
  Future<AlertAction> does(
    ActionKind kind, {
    String alertId = 'alert-village-1-7',
    String? text,
    Duration? shelveFor,
    String? key,
  }) async {
    final done = action(
      kind,
      alertId: alertId,
      text: text,
      shelveFor: shelveFor,
      key: key,
    );
    await actions.submit(done);
    await actions.sendPending();
    return done;
  }

  /// How far the action of a key has come; null when it is not there.
  ActionState? stateOf(AlertAction action) => actions
      .of(action.alertId)
      .where((other) => other.key == action.key)
      .firstOrNull
      ?.state;
}
