import 'dart:io';

import 'package:flutter_dashboard/data/model/action_json.dart';
import 'package:flutter_dashboard/data/services/local/kept_actions.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/models.dart';

void main() {
  late Directory folder;
  late File file;

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('kept-actions');
    file = File('${folder.path}/deeper/actions.json');
  });

  tearDown(() => folder.delete(recursive: true));

  KeptAction shelving(ActionState state, {int? sentMinutes}) => KeptAction(
    AlertAction(
      key: 'key-1',
      gridId: 'village-1',
      alertId: 'alert-village-1-7',
      kind: ActionKind.shelve,
      text: 'Sensor "7" is replaced…',
      shelveFor: const Duration(minutes: 90),
      madeAt: kNow,
      state: state,
    ),
    sentMinutes: sentMinutes,
  );

  Future<KeptAction> afterRestart(KeptAction kept) async {
    await ActionFile(file).save('amina', [kept]);
    final (:owner, :actions) = await ActionFile(file).load();
    expect(owner, 'amina');
    return actions.single;
  }

  test('an action is the same after a restart', () async {
    final kept = await afterRestart(shelving(const Pending(), sentMinutes: 80));

    expect(kept.toJson(), shelving(const Pending(), sentMinutes: 80).toJson());
    expect(kept.action.shelveFor, const Duration(minutes: 90));
    expect(kept.action.madeAt.isAtSameMomentAs(kNow), isTrue);
    expect((kept.action.state as Pending).wasTried, isFalse);
  });

  test('what was on its way may have arrived', () async {
    final kept = await afterRestart(shelving(const Pending(isSending: true)));

    final state = kept.action.state as Pending;
    expect((state.isSending, state.wasTried), (false, true));
  });

  for (final why in const [
    RefusedByServer('It is over.'),
    WaitedTooLong(),
    TooManyWait(),
  ]) {
    test('that it was refused is not forgotten: ${why.runtimeType}', () async {
      final kept = await afterRestart(shelving(RefusedAction(why, null)));

      final read = (kept.action.state as RefusedAction).why;
      expect(read.runtimeType, why.runtimeType);
      if (read is RefusedByServer) {
        expect(read.words, 'It is over.');
      }
    });
  }

  test('of nothing no file is left', () async {
    final kept = ActionFile(file);
    await kept.save('amina', [shelving(const Pending())]);
    await kept.save(null, const []);

    expect(file.parent.listSync(), isEmpty);
  });

  test('what is saved last is what is kept, without waiting', () async {
    final kept = ActionFile(file);
    await Future.wait([
      for (var count = 0; count < 20; count++)
        kept.save('amina', [shelving(const Pending(), sentMinutes: count)]),
    ]);

    expect((await kept.load()).actions.single.sentMinutes, 19);
  });

  for (final (name, text) in [
    ('no JSON', '{'),
    ('another version', '{"version": 2, "actions": []}'),
    ('an unknown kind', '{"version": 1, "actions": [{"kind": "dance"}]}'),
  ]) {
    test('a spoilt file is as good as none: $name', () async {
      await file.create(recursive: true);
      await file.writeAsString(text);

      expect((await ActionFile(file).load()).actions, isEmpty);
    });
  }

  test('a disk that takes nothing hinders nobody', () async {
    await File('${folder.path}/deeper').writeAsString('in the way');

    await ActionFile(file).save('amina', [shelving(const Pending())]);
    expect((await ActionFile(file).load()).actions, isEmpty);
  });
}
