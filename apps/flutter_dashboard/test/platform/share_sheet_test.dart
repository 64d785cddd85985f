import 'dart:io';

import 'package:flutter/services.dart';
import 'package:flutter_dashboard/domain/models/share_outcome.dart';
import 'package:flutter_dashboard/platform/share_sheet.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  final bytes = Uint8List.fromList([1, 2, 3]);

  group('a folder', () {
    late Directory folder;

    setUp(() => folder = Directory.systemTemp.createTempSync('shared'));
    tearDown(() => folder.deleteSync(recursive: true));

    test('takes files, and loses none that is there', () async {
      final sheet = FolderShareSheet(Directory('${folder.path}/new'));
      final one = await sheet.share('curve.csv', 'text/csv', bytes);
      final other = await sheet.share('curve.csv', 'text/csv', Uint8List(0));

      expect((one as SavedAs).path, '${folder.path}/new/curve.csv');
      expect((other as SavedAs).path, '${folder.path}/new/curve (2).csv');
      expect(File(one.path).readAsBytesSync(), bytes);
    });

    test('that cannot be written says so', () async {
      File('${folder.path}/file').createSync();
      final sheet = FolderShareSheet(Directory('${folder.path}/file/in'));
      expect(
        await sheet.share('curve.csv', 'text/csv', bytes),
        isA<NotShared>(),
      );
    });
  });

  group('the folder for downloads', () {
    for (final (said, path) in [
      (null, '/home/amina/Downloads'),
      (
        r'XDG_DOWNLOAD_DIR="$HOME/Téléchargements"',
        '/home/amina/Téléchargements',
      ),
      ('# comment\nXDG_DOWNLOAD_DIR="/data/in"\n', '/data/in'),
      (r'XDG_DESKTOP_DIR="$HOME/Desktop"', '/home/amina/Downloads'),
      ('XDG_DOWNLOAD_DIR="relative"', '/home/amina/Downloads'),
    ]) {
      test('is $path', () {
        expect(downloadFolder('/home/amina', userDirs: said).path, path);
      });
    }
  });

  group("the phone's share sheet", () {
    final messenger =
        TestWidgetsFlutterBinding.ensureInitialized().defaultBinaryMessenger;
    tearDown(
      () => messenger.setMockMethodCallHandler(ChannelShareSheet.channel, null),
    );

    test('gets the file', () async {
      MethodCall? called;
      messenger.setMockMethodCallHandler(ChannelShareSheet.channel, (
        call,
      ) async {
        called = call;
        return null;
      });
      final outcome = await const ChannelShareSheet().share(
        'curve.png',
        'image/png',
        bytes,
      );

      expect(outcome, isA<HandedOver>());
      expect(called!.method, 'share');
      expect(called!.arguments, {
        'name': 'curve.png',
        'mime_type': 'image/png',
        'bytes': bytes,
      });
    });

    test('may have no room', () async {
      messenger.setMockMethodCallHandler(
        ChannelShareSheet.channel,
        (_) => throw PlatformException(code: 'disk'),
      );
      expect(
        await const ChannelShareSheet().share('a.csv', 'text/csv', bytes),
        isA<NotShared>(),
      );
    });
  });
}
