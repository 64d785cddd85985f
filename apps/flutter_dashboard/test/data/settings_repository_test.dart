import 'dart:io';

import 'package:flutter_dashboard/data/repositories/settings_repository.dart';
import 'package:flutter_dashboard/data/services/local/json_file.dart';
import 'package:flutter_dashboard/domain/models/app_settings.dart';
import 'package:flutter_dashboard/domain/models/certificate_pin.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  late Directory folder;
  late File file;

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('settings');
    file = File('${folder.path}/settings.json');
  });

  tearDown(() => folder.delete(recursive: true));

  Future<FileSettingsRepository> opened({
    String server = 'http://127.0.0.1:8000',
  }) async {
    final settings = FileSettingsRepository(
      JsonFile(file),
      defaultServer: Uri.parse(server),
    );
    await settings.load();
    return settings;
  }

  test('what was chosen is there after a restart', () async {
    final pin = CertificatePin.parse('ab' * 32);
    final settings = await opened();
    await settings.change(
      settings.current
          .withServer(Uri.parse('https://grid.example'), pin)
          .withAppearance(Appearance.dark)
          .withLanguage(Language.swahili),
    );

    final restarted = (await opened()).current;
    expect(restarted.server, Uri.parse('https://grid.example'));
    expect(restarted.pin, pin);
    expect(restarted.appearance, Appearance.dark);
    expect(restarted.language, Language.swahili);
  });

  test('whoever chose no server follows the one of the build', () async {
    final settings = await opened();
    await settings.change(settings.current.withAppearance(Appearance.light));

    final updated = await opened(server: 'https://new.example');
    expect(updated.current.server, Uri.parse('https://new.example'));
    expect(updated.current.appearance, Appearance.light);
  });

  for (final spoilt in [
    '{',
    '[]',
    '{"server": 7, "appearance": "blue", "language": "tlh", "pin": "ab"}',
    '{"server": "http://grid.example"}',
  ]) {
    test('of a file that says $spoilt, what is understood holds', () async {
      await file.writeAsString(spoilt);
      final settings = (await opened()).current;

      expect(settings.server, Uri.parse('http://127.0.0.1:8000'));
      expect(settings.appearance, Appearance.system);
      expect(settings.language, isNull);
      expect(settings.pin, isNull);
    });
  }

  test('it says that something changed', () async {
    final settings = await opened();
    var changes = 0;
    settings.addListener(() => changes++);
    await settings.change(settings.current.withLanguage(Language.hindi));

    expect(changes, 1);
  });
}
