import 'dart:io';

import 'package:flutter_dashboard/data/services/local/last_known.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  late Directory folder;
  late File file;
  var now = DateTime.utc(2026, 11, 24);

  LastKnown open() => LastKnown(file, now: () => now);

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('last-known');
    file = File('${folder.path}/deep/known.json');
    now = DateTime.utc(2026, 11, 24);
  });

  tearDown(() => folder.delete(recursive: true));

  test('an answer is there after a restart, with its time', () async {
    await open().put('summary/a', {'value': 1}, now);

    final reopened = open();
    await reopened.load();

    final kept = reopened.get('summary/a')!;
    expect(kept.answer, {'value': 1});
    expect(kept.receivedAt, now);
    expect(reopened.get('summary/b'), isNull);
  });

  test('it is written now and then, and when the app leaves', () async {
    final known = open();
    Future<Object?> written() async {
      final other = open();
      await other.load();
      return other.get('a')?.answer;
    }

    await known.put('a', 1, now);
    await known.put('a', 2, now);
    expect(await written(), 1);

    await known.flush();
    expect(await written(), 2);

    now = now.add(const Duration(seconds: 30));
    await known.put('a', 3, now);
    expect(await written(), 3);
  });

  test('what is cleared is gone, and what comes next is written', () async {
    final known = open();
    await known.put('a', 1, now);
    await known.clear();
    final empty = open();
    await empty.load();
    expect(empty.get('a'), isNull);

    await known.put('a', 2, now);
    await empty.load();
    expect(empty.get('a')!.answer, 2);
  });

  for (final spoilt in ['', '{', '[]', '{"version":99,"answers":{}}']) {
    test('a file with "$spoilt" is as good as empty', () async {
      await file.create(recursive: true);
      await file.writeAsString(spoilt);
      final known = open();

      await known.load();

      expect(known.get('a'), isNull);
    });
  }

  test('a folder that cannot be written keeps nobody from anything', () async {
    final blocked = LastKnown(File('${folder.path}/file/known.json'));
    await File('${folder.path}/file').writeAsString('');

    await blocked.put('a', 1, now);

    expect(blocked.get('a')!.answer, 1);
  });
}
