import 'dart:async';

import 'package:flutter_dashboard/data/model/action_json.dart';
import 'package:flutter_dashboard/data/repositories/action_queue.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/fakes/alert_server.dart';
import '../../testing/fakes/phone.dart';
import '../../testing/models.dart';

const _id = 'alert-village-1-7';

void main() {
  late FakeAlertServer server;
  late Phone phone;

  setUp(() async {
    server = FakeAlertServer()..alerts[_id] = alert();
    phone = Phone(server);
    await phone.start();
  });

  tearDown(() => phone.actions.dispose());

  test('what is done online is accepted, and shows how it stands', () async {
    final done = await phone.does(
      ActionKind.acknowledge,
      text: 'I am on my way.',
    );

    final outcome = (phone.stateOf(done)! as Accepted).outcome;
    expect(outcome.acknowledged!.by, 'amina');
    expect(outcome.notes.single.text, 'I am on my way.');
    expect(phone.actions.pending, isEmpty);
    expect(phone.kept.kept, isEmpty);
  });

  test('offline it waits, over a restart, and goes when online', () async {
    phone.sender.isCutOff = true;
    final done = await phone.does(ActionKind.acknowledge);
    expect(phone.stateOf(done), isA<Pending>());

    await phone.restart();
    expect(phone.actions.pending.single.key, done.key);
    await phone.actions.sendPending();
    expect((phone.stateOf(done)! as Pending).wasTried, isTrue);

    phone.sender.isCutOff = false;
    phone.connection.heard();
    await phone.actions.sendPending();
    expect(phone.stateOf(done), isA<Accepted>());
    expect(phone.sender.sent.map((kept) => kept.action.key).toSet(), {
      done.key,
    });
    expect(server.done, hasLength(1));
  });

  test('somebody else was first: it is accepted, and says who', () async {
    server.answer('juma', _sent(phone, ActionKind.acknowledge, 'juma-0'));

    final done = await phone.does(ActionKind.acknowledge);

    final outcome = (phone.stateOf(done)! as Accepted).outcome;
    expect(outcome.acknowledged!.by, 'juma');
  });

  test('what the server refuses says why, and how the alert stands', () async {
    server.alerts[_id] = alert(lasts: false);

    final done = await phone.does(
      ActionKind.shelve,
      text: 'Sensor is replaced.',
      shelveFor: const Duration(hours: 1),
    );

    final refused = phone.stateOf(done)! as RefusedAction;
    expect((refused.why as RefusedByServer).words, 'It is over.');
    expect(refused.asItStands!.lasts, isFalse);
    await phone.restart();
    expect(
      ((phone.stateOf(done)! as RefusedAction).why as RefusedByServer).words,
      'It is over.',
    );
    expect(phone.sender.sent, hasLength(1));
  });

  test('an alert that does not exist any more is refused as such', () async {
    final done = await phone.does(ActionKind.note, text: '?', alertId: 'gone');

    final refused = phone.stateOf(done)! as RefusedAction;
    expect((refused.why as RefusedByServer).words, 'There is no such alert.');
    expect(refused.asItStands, isNull);
  });

  test(
    'of one alert it goes in order, and one alert holds up no other',
    () async {
      server.alerts['other'] = alert(id: 'other');
      phone.sender.fates.add(Fate.serverIsBusy);
      unawaited(
        phone.actions.submit(phone.action(ActionKind.note, text: 'first')),
      );
      unawaited(
        phone.actions.submit(phone.action(ActionKind.note, text: 'second')),
      );
      await phone.does(ActionKind.acknowledge, alertId: 'other');
      expect(server.done.map((done) => done.$3), ['other']);

      await phone.actions.sendPending();
      expect(server.done.map((done) => done.$4), [null, 'first', 'second']);
      expect(phone.sender.mostUnderWay, 1);
    },
  );

  test(
    'a shelving says the same at each attempt, and ends when it was meant to',
    () async {
      final done = phone.action(
        ActionKind.shelve,
        text: 'Sensor is replaced.',
        shelveFor: const Duration(hours: 1),
      );
      await phone.actions.submit(done);
      phone.auth.end();
      await phone.actions.sendPending();
      phone.now = kNow.add(const Duration(minutes: 20));
      phone.sender.fates.add(Fate.answerIsLost);
      await phone.auth.signIn('amina', 'password');
      await phone.actions.sendPending();
      phone.now = kNow.add(const Duration(minutes: 30));
      await phone.restart();
      await phone.actions.sendPending();

      expect(phone.sender.sent.map((kept) => kept.sentMinutes), [40, 40]);
      expect(phone.stateOf(done), isA<Accepted>());
    },
  );

  test('a shelving whose time is over is not sent', () async {
    phone.sender.isCutOff = true;
    final done = await phone.does(
      ActionKind.shelve,
      text: 'Sensor is replaced.',
      shelveFor: const Duration(minutes: 30),
    );
    phone
      ..sender.isCutOff = false
      ..now = kNow.add(const Duration(minutes: 31));
    await phone.actions.sendPending();

    expect((phone.stateOf(done)! as RefusedAction).why, isA<WaitedTooLong>());
    expect(server.done, isEmpty);
  });

  test('what has waited longer than a shift is not sent unasked', () async {
    phone.sender.isCutOff = true;
    final done = await phone.does(ActionKind.acknowledge);
    phone
      ..sender.isCutOff = false
      ..now = kNow.add(ActionQueue.longestWait + const Duration(seconds: 1));
    await phone.restart();
    await phone.actions.sendPending();

    expect((phone.stateOf(done)! as RefusedAction).why, isA<WaitedTooLong>());
    expect(server.done, isEmpty);
    // Asked again, it is sent, and takes the place of what was not.
    await phone.does(ActionKind.acknowledge);
    expect(phone.actions.of(_id).single.state, isA<Accepted>());
  });

  test('a clock that is set back makes nothing too old', () async {
    phone.sender.isCutOff = true;
    final done = await phone.does(ActionKind.acknowledge);
    phone
      ..sender.isCutOff = false
      ..now = kNow.subtract(const Duration(days: 400));
    await phone.actions.sendPending();

    expect(phone.stateOf(done), isA<Accepted>());
  });

  test('one tap more changes nothing', () async {
    phone.sender.isCutOff = true;
    await phone.does(ActionKind.acknowledge);
    await phone.does(ActionKind.acknowledge);
    expect(phone.actions.pending, hasLength(1));

    // But a note that comes with it is not lost.
    await phone.does(ActionKind.acknowledge, text: 'On my way.');
    expect(phone.actions.pending, hasLength(2));
  });

  test('no more wait than are bounded, and what is too much says so', () async {
    phone.sender.isCutOff = true;
    for (var count = 0; count < ActionQueue.mostPending; count++) {
      await phone.does(ActionKind.note, text: '$count');
    }
    final done = await phone.does(ActionKind.note, text: 'one more');

    expect(phone.actions.pending, hasLength(ActionQueue.mostPending));
    expect((phone.stateOf(done)! as RefusedAction).why, isA<TooManyWait>());
  });

  test('of what was answered the newest are shown', () async {
    for (var count = 0; count < ActionQueue.mostAnswered + 5; count++) {
      final id = 'alert-$count';
      server.alerts[id] = alert(id: id);
      await phone.does(ActionKind.acknowledge, alertId: id);
    }

    expect(phone.actions.of('alert-0'), isEmpty);
    expect(phone.actions.of('alert-5').single.state, isA<Accepted>());
  });

  test('what is taken back before it is sent is never sent', () async {
    phone.sender.isCutOff = true;
    final done = await phone.does(ActionKind.acknowledge);
    phone.actions.forget(done.key);
    await pumpEventQueue();
    phone.sender.isCutOff = false;
    await phone.restart();
    await phone.actions.sendPending();

    expect(phone.actions.pending, isEmpty);
    expect(server.done, isEmpty);
  });

  group('the login', () {
    test('that has ended keeps what waits, for the next one', () async {
      phone.sender.fates.add(Fate.loginHasEnded);
      phone.auth.end();
      phone.auth.isSignedIn = true;
      final done = await phone.does(ActionKind.acknowledge);
      expect((phone.stateOf(done)! as Pending).wasTried, isFalse);
      phone.auth.end();
      await phone.actions.sendPending();
      expect(phone.sender.sent, hasLength(1));

      await phone.auth.signIn('amina', 'password');
      await phone.actions.sendPending();
      expect(phone.stateOf(done), isA<Accepted>());
    });

    test(
      'of somebody else does nothing in the name of the one before',
      () async {
        phone.sender.isCutOff = true;
        await phone.does(ActionKind.acknowledge);
        phone.auth.end();
        phone.sender
          ..isCutOff = false
          ..user = 'juma';
        phone.auth.username = 'juma';
        // Heard before we are told who is signed in now.
        phone.auth.isSignedIn = true;
        phone.connection.heard();
        await phone.actions.sendPending();
        expect(phone.sender.sent, hasLength(1));

        await phone.auth.signIn('juma', 'password');
        await phone.actions.sendPending();
        expect(phone.actions.pending, isEmpty);
        expect(phone.kept.kept, isEmpty);
        expect(server.done, isEmpty);
      },
    );

    test('that is left forgets everything, also what is on its way', () async {
      final isHeld = Completer<void>();
      phone.sender.step = () => isHeld.future;
      final done = phone.action(ActionKind.acknowledge);
      await phone.actions.submit(done);
      await pumpEventQueue();
      expect((phone.stateOf(done)! as Pending).isSending, isTrue);

      await phone.auth.signOut();
      isHeld.complete();
      await phone.actions.sendPending();

      expect(phone.actions.of(_id), isEmpty);
      expect(phone.kept.kept, isEmpty);
    });

    test('nobody does nothing', () async {
      await phone.auth.signOut();
      await phone.does(ActionKind.acknowledge);

      expect(phone.actions.of(_id), isEmpty);
      expect(phone.sender.sent, isEmpty);
    });
  });

  group('by itself', () {
    testWidgets(
      'it is tried again later and later, and not while nobody looks',
      (tester) async {
        phone.sender.isCutOff = true;
        await phone.actions.submit(phone.action(ActionKind.acknowledge));
        await tester.pump();
        const tick = Duration(milliseconds: 100);
        final pauses = <Duration>[];
        var pause = Duration.zero;
        while (pauses.length < 8) {
          final tried = phone.sender.sent.length;
          await tester.pump(tick);
          pause += tick;
          if (phone.sender.sent.length > tried) {
            pauses.add(pause);
            pause = Duration.zero;
          }
        }
        for (final (index, seconds) in [2, 4, 8, 16, 32, 60, 60, 60].indexed) {
          final most = Duration(seconds: seconds) + tick;
          expect(pauses[index], lessThanOrEqualTo(most));
          expect(pauses[index], greaterThanOrEqualTo(most * 0.5 - tick));
        }

        phone.actions.pause();
        final tried = phone.sender.sent.length;
        await tester.pump(const Duration(hours: 1));
        expect(phone.sender.sent, hasLength(tried));

        phone.sender.isCutOff = false;
        phone.actions.resume();
        await tester.pump();
        expect(server.done, hasLength(1));
      },
    );
  });
}

/// What another phone has sent.
KeptAction _sent(Phone phone, ActionKind kind, String key) =>
    KeptAction(phone.action(kind, key: key));
