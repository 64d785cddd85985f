import 'dart:io';

import 'package:flutter_dashboard/data/model/tokens.dart';
import 'package:flutter_dashboard/platform/file_token_store.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  late Directory folder;
  late File file;
  late FileTokenStore store;

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('token-store');
    file = File('${folder.path}/app/login.json');
    store = FileTokenStore(file);
  });

  tearDown(() => folder.delete(recursive: true));

  const tokens = Tokens(
    accessToken: 'access',
    refreshToken: 'refresh',
    expiresAt: null,
  );

  test('nobody but the user can read the tokens', () async {
    await store.write(tokens);

    expect((await store.read())!.refreshToken, 'refresh');
    expect((await file.stat()).mode & 0x1ff, 0x180); // 0600
    expect((await file.parent.stat()).mode & 0x1ff, 0x1c0); // 0700
  });

  test('cleared tokens are gone, and may be cleared again', () async {
    await store.write(tokens);
    await store.clear();
    await store.clear();

    expect(await store.read(), isNull);
    expect(await file.exists(), isFalse);
  });

  test('a spoilt file means to sign in again', () async {
    await file.create(recursive: true);
    await file.writeAsString('{"access');

    expect(await store.read(), isNull);
  });
}
