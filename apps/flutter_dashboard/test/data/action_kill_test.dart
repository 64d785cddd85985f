import 'dart:async';
import 'dart:math';

import 'package:flutter_dashboard/domain/models/alert_action.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/fakes/alert_server.dart';
import '../../testing/fakes/phone.dart';
import '../../testing/models.dart';

const _id = 'alert-village-1-7';

/// Stops a phone at a step, as the system does with an app: nothing goes on from there.
class _Power {
  _Power(this._stepsLeft);

  int _stepsLeft;
  int steps = 0;
  final isOff = Completer<void>();

  Future<void> step() async {
    steps++;
    if (_stepsLeft-- == 0) {
      isOff.complete();
    }
    if (isOff.isCompleted) {
      await Completer<void>().future;
    }
  }
}

/// Acknowledge, write two notes, shelve; with a busy server and a lost answer in between.
Future<List<AlertAction>> _morning(Phone phone) async {
  phone.sender.fates.addAll([Fate.serverIsBusy, Fate.answerIsLost]);
  final done = [
    phone.action(ActionKind.acknowledge, text: 'On my way.', key: 'a'),
    phone.action(ActionKind.note, text: 'A fuse.', key: 'b'),
    phone.action(
      ActionKind.shelve,
      text: 'Waiting for a fuse.',
      shelveFor: const Duration(hours: 2),
      key: 'c',
    ),
    phone.action(ActionKind.note, text: 'It is ordered.', key: 'd'),
  ];
  for (final action in done) {
    await phone.actions.submit(action);
  }
  for (var round = 0; round < 3; round++) {
    await phone.actions.sendPending();
  }
  return done;
}

Future<(FakeAlertServer, Phone, _Power)> _killedAt(int step) async {
  final server = FakeAlertServer()..alerts[_id] = alert();
  final phone = Phone(server);
  final power = _Power(step);
  phone.kept.step = power.step;
  phone.sender.step = power.step;
  await phone.start();
  await Future.any([_morning(phone), power.isOff.future]);
  await pumpEventQueue();
  return (server, phone, power);
}

Future<void> _goesOn(Phone phone) async {
  phone.kept.step = () async {};
  phone.sender
    ..step = (() async {})
    ..fates.clear();
  await phone.restart();
  for (var round = 0; round < 3; round++) {
    await phone.actions.sendPending();
  }
}

void main() {
  test(
    'killed at any step, each action is carried out once, in order',
    () async {
      final (_, whole, power) = await _killedAt(1 << 30);
      whole.actions.dispose();
      expect(power.steps, greaterThan(20));
      final order = [
        ActionKind.acknowledge,
        ActionKind.note,
        ActionKind.shelve,
        ActionKind.note,
      ];
      for (var step = 0; step < power.steps; step++) {
        final (server, phone, _) = await _killedAt(step);
        // Of what was done, that was lost which was not yet said to be kept.
        final known = server.done.length;
        final kept = phone.kept.kept.length;
        phone.now = kNow.add(const Duration(minutes: 7));
        await _goesOn(phone);

        final kinds = server.done.map((done) => done.$2).toList();
        expect(kinds, order.take(kinds.length), reason: 'killed at $step');
        expect(kinds.length, greaterThanOrEqualTo(max(known, kept)));
        expect(phone.actions.pending, isEmpty, reason: 'killed at $step');
        expect(phone.kept.kept, isEmpty);
        expect(
          server.alerts[_id]!.notes.map((note) => note.text),
          [
            'On my way.',
            'A fuse.',
            'It is ordered.',
          ].take(kinds.where((kind) => kind != ActionKind.shelve).length),
        );
        phone.actions.dispose();
      }
    },
  );

  test(
    'whatever happens to two phones, both end with how the server has it',
    () async {
      for (var seed = 0; seed < 100; seed++) {
        await _twoPhones(Random(seed), seed);
      }
    },
  );
}

/// Two people about three alerts, with cuts, losses, restarts and repetitions in any order.
Future<void> _twoPhones(Random random, int seed) async {
  final ids = ['a', 'b', 'c'];
  final server = FakeAlertServer()
    ..alerts.addAll({for (final id in ids) id: alert(id: id)});
  final phones = [Phone(server), Phone(server, user: 'juma')];
  final submitted = [<AlertAction>[], <AlertAction>[]];
  for (final phone in phones) {
    await phone.start();
  }
  for (var turn = 0; turn < 40; turn++) {
    final one = random.nextInt(2);
    final phone = phones[one];
    server.now = kNow.add(Duration(minutes: turn));
    switch (random.nextInt(8)) {
      case 0:
        phone.sender.isCutOff = !phone.sender.isCutOff;
      case 1:
        phone.sender.fates.add(Fate.values[random.nextInt(4)]);
      case 2:
        await phone.restart();
      case 3:
        phone.connection
          ..lost()
          ..heard();
      case 4 when submitted[one].isNotEmpty:
        // A view that does something again, such as after a double tap.
        await phone.actions.submit(submitted[one].last);
      case 5:
        unawaited(phone.actions.sendPending());
      default:
        final action = phone.action(
          ActionKind.values[random.nextInt(4)],
          alertId: ids[random.nextInt(3)],
          text: random.nextBool() ? 'Turn $turn of $one.' : null,
          shelveFor: const Duration(hours: 1),
        );
        submitted[one].add(action);
        await phone.actions.submit(action);
    }
    await pumpEventQueue(times: random.nextInt(12));
  }
  for (final phone in phones) {
    phone.sender
      ..isCutOff = false
      ..fates.clear();
    for (var round = 0; round < 4; round++) {
      await phone.actions.sendPending();
    }
    final reason = 'seed $seed';
    expect(phone.actions.pending, isEmpty, reason: reason);
    expect(phone.sender.mostUnderWay, lessThan(2), reason: reason);
    phone.actions.dispose();
  }
  for (final id in ids) {
    final texts = server.alerts[id]!.notes.map((note) => note.text);
    expect(texts.toSet().length, texts.length, reason: 'seed $seed: $texts');
    for (final (one, phone) in phones.indexed) {
      final inOrder = [
        for (final action in submitted[one])
          if (action.alertId == id && action.kind == ActionKind.note)
            action.text,
      ];
      final done = [
        for (final (user, kind, alertId, text) in server.done)
          if (user == phone.user && kind == ActionKind.note && alertId == id)
            text,
      ];
      expect(done, inOrder, reason: 'seed $seed');
      for (final action in phone.actions.of(id)) {
        if (action case AlertAction(
          kind: ActionKind.acknowledge,
          state: Accepted(:final outcome),
        )) {
          expect(
            outcome.acknowledged!.by,
            server.alerts[id]!.acknowledged!.by,
            reason: 'seed $seed',
          );
        }
      }
    }
  }
}
