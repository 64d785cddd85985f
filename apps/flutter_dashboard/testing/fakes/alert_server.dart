import 'dart:async';

import 'package:flutter_dashboard/data/model/action_json.dart';
import 'package:flutter_dashboard/data/repositories/action_sender.dart';
import 'package:flutter_dashboard/data/services/local/kept_actions.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';
import 'package:flutter_dashboard/domain/result.dart';

import '../models.dart';

/// Alerts on a server that carries out what comes under one key once, as the real one does.
class FakeAlertServer {
  final alerts = <String, Alert>{};

  /// Who did what, each time that something was carried out: user, kind, alert, text.
  final done = <(String, ActionKind, String, String?)>[];
  final _answers = <(String, String), (Object, Result<Alert>)>{};

  /// By the clock of the server.
  DateTime now = kNow;

  /// What a request says without its key.
  static Object _content(KeptAction kept) => (
    kept.action.kind,
    kept.action.alertId,
    kept.action.text,
    kept.sentMinutes,
  );

  Result<Alert> answer(String user, KeptAction kept) {
    final name = (user, kept.action.key);
    if (_answers[name] case (final content, final answer)) {
      return content == _content(kept)
          ? answer
          : const Failed(Refused(422, 'This key was used for another request'));
    }
    final answer = _carryOut(user, kept);
    _answers[name] = (_content(kept), answer);
    return answer;
  }

  Result<Alert> _carryOut(String user, KeptAction kept) {
    final AlertAction(:alertId, :kind, :text) = kept.action;
    final before = alerts[alertId];
    if (before == null) {
      return const Failed(Refused(404, 'There is no such alert.'));
    }
    if (kind == ActionKind.shelve && !before.lasts) {
      return const Failed(Refused(409, 'It is over.'));
    }
    done.add((user, kind, alertId, text));
    final by = Acknowledgement(at: now, by: user);
    final note = Note(at: now, by: user, text: text ?? '');
    return Ok(
      alerts[alertId] = alert(
        id: alertId,
        lasts: before.lasts,
        acknowledged: kind == ActionKind.acknowledge
            ? before.acknowledged ?? by
            : before.acknowledged,
        notes: [
          ...before.notes,
          if (text != null && kind != ActionKind.shelve) note,
        ],
        shelved: switch (kind) {
          ActionKind.shelve => PutAside(
            at: now,
            by: user,
            reason: text ?? '',
            until: now.add(Duration(minutes: kept.sentMinutes!)),
          ),
          ActionKind.unshelve => null,
          _ => before.shelved,
        },
      ),
    );
  }
}

/// What a phone may meet on its way to the server.
enum Fate { arrives, neverArrives, answerIsLost, serverIsBusy, loginHasEnded }

/// The way from one phone to the server.
class FakeActionSender implements ActionSender {
  FakeActionSender(this.server, {this.user = 'amina'});

  final FakeAlertServer server;
  String user;

  /// What becomes of the next requests; after these all arrive.
  final fates = <Fate>[];

  /// Whether there is no network.
  bool isCutOff = false;

  /// What was sent, whether it arrived or not.
  final sent = <KeptAction>[];

  /// Requests that are on their way right now.
  int underWay = 0;
  int mostUnderWay = 0;

  /// Called before a request leaves, and before its answer is heard: a test may stop the world there.
  Future<void> Function() step = () async {};

  @override
  Future<Result<Alert>> send(KeptAction kept) async {
    sent.add(kept);
    mostUnderWay = ++underWay > mostUnderWay ? underWay : mostUnderWay;
    final whose = user;
    final fate = isCutOff
        ? Fate.neverArrives
        : fates.isEmpty
        ? Fate.arrives
        : fates.removeAt(0);
    await step();
    final result = switch (fate) {
      Fate.arrives || Fate.answerIsLost => server.answer(whose, kept),
      Fate.neverArrives => const Failed<Alert>(Unreachable()),
      Fate.serverIsBusy => const Failed<Alert>(
        Refused(409, 'This request is being answered.', isForNow: true),
      ),
      Fate.loginHasEnded => const Failed<Alert>(LoginEnded()),
    };
    await step();
    underWay--;
    return fate == Fate.answerIsLost ? const Failed(Unreachable()) : result;
  }

  @override
  Future<Result<Alert>> look(String gridId, String alertId) async {
    final alert = isCutOff ? null : server.alerts[alertId];
    return alert == null
        ? const Failed(Refused(404, 'There is no such alert.'))
        : Ok(alert);
  }
}

/// What a phone remembers while the app is not running.
class FakeKeptActions implements KeptActions {
  String? owner;
  List<Map<String, Object?>> kept = const [];
  int saves = 0;

  /// Called before something is kept, and after.
  Future<void> Function() step = () async {};

  @override
  Future<({String? owner, List<KeptAction> actions})> load() async =>
      (owner: owner, actions: kept.map(KeptAction.fromJson).toList());

  @override
  Future<void> save(String? owner, List<KeptAction> actions) async {
    final json = [for (final kept in actions) kept.toJson()];
    await step();
    saves++;
    this.owner = owner;
    kept = json;
    await step();
  }
}
