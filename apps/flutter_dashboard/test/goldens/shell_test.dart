@Tags(['golden'])
library;

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/pictured.dart';

Future<void> _tap(WidgetTester tester, Finder what) async {
  await tester.tap(what);
  await tester.pumpAndSettle();
}

Future<void> _settings(WidgetTester tester) =>
    _tap(tester, find.byIcon(Icons.settings_outlined));

Future<void> _server(WidgetTester tester) async {
  await _settings(tester);
  await tester.ensureVisible(find.byIcon(Icons.dns_outlined));
  await tester.pumpAndSettle();
  await _tap(tester, find.byIcon(Icons.dns_outlined));
}

Future<void> _languages(WidgetTester tester) async {
  await _settings(tester);
  await tester.ensureVisible(find.byIcon(Icons.translate));
  await tester.pumpAndSettle();
  await _tap(tester, find.byIcon(Icons.translate));
}

void main() {
  for (final (suffix, size, mode, scale) in [
    ('', phone, ThemeMode.light, 1.0),
    ('_dark', phone, ThemeMode.dark, 1.0),
    ('_large_text', phone, ThemeMode.light, 2.0),
    ('_landscape', phone.flipped, ThemeMode.light, 1.0),
    ('_tablet', tablet, ThemeMode.light, 1.0),
    ('_tablet_dark', tablet, ThemeMode.dark, 1.0),
  ]) {
    void all(
      String name, {
      bool isSignedIn = true,
      Future<void> Function(WidgetTester tester)? after,
    }) => pictured(
      '$name$suffix',
      size: size,
      themeMode: mode,
      textScale: scale,
      isSignedIn: isSignedIn,
      after: after,
    );

    all('login', isSignedIn: false);
    all('settings', after: _settings);
    all('settings_server', after: _server);
  }

  pictured('settings_desktop', size: desktop, after: _settings);
  pictured('settings_languages', after: _languages);
  pictured('settings_languages_large_text', textScale: 2, after: _languages);
  pictured(
    'settings_server_wrong',
    after: (tester) async {
      await _server(tester);
      await tester.enterText(find.byType(TextField).first, 'http://a.example');
      await tester.enterText(find.byType(TextField).last, '1234');
      await _tap(tester, find.byType(FilledButton));
    },
  );

  for (final language in Language.values) {
    pictured(
      'dashboard_${language.code}',
      size: const Size(360, 1120),
      language: language,
    );
    pictured('login_${language.code}', isSignedIn: false, language: language);
    pictured('settings_${language.code}', language: language, after: _settings);
  }
}
