import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';
import 'package:flutter_dashboard/domain/models/app_settings.dart';
import 'package:flutter_dashboard/domain/models/certificate_pin.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_dashboard/ui/auth/login_screen.dart';
import 'package:flutter_dashboard/ui/settings/settings_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';
import '../../../testing/models.dart';

void main() {
  late TestApp app;

  setUp(() => app = TestApp());

  void shown(String description, Future<void> Function(WidgetTester) body) =>
      testWidgets(description, (tester) async {
        await body(tester);
        await TestApp.close(tester);
      });

  Future<void> tap(WidgetTester tester, Finder what) async {
    await tester.tap(what);
    await tester.pumpAndSettle();
  }

  Future<void> open(WidgetTester tester) async {
    await app.show(tester, size: const Size(360, 900));
    await tap(tester, find.text('Settings'));
  }

  Future<void> enterServer(WidgetTester tester, String address) async {
    await tap(tester, find.text('Address'));
    await tester.enterText(find.byType(TextFormField).first, address);
    await tap(tester, find.text('Save'));
  }

  shown('who is signed in, the server and the version are there', (
    tester,
  ) async {
    await open(tester);

    expect(find.text('amina'), findsOneWidget);
    expect(find.text('http://127.0.0.1:8000'), findsOneWidget);
    expect(find.text('0.1.0'), findsOneWidget);
  });

  shown('a theme holds at once', (tester) async {
    await open(tester);
    await tap(tester, find.text('Theme'));
    await tap(tester, find.text('Dark'));

    expect(app.settings.current.appearance, Appearance.dark);
    final context = tester.element(find.byType(SettingsScreen));
    expect(Theme.of(context).brightness, Brightness.dark);
  });

  shown('each language is named in itself, and holds at once', (tester) async {
    await open(tester);
    await tap(tester, find.text('Language'));
    for (final language in Language.values) {
      expect(find.text(language.ownName), findsOneWidget);
    }
    await tap(tester, find.text('Kiswahili'));

    expect(app.settings.current.language, Language.swahili);
    expect(find.text('Mipangilio'), findsWidgets);
    expect(find.text('Settings'), findsNothing);
  });

  shown('the language can be left to the phone again', (tester) async {
    await app.show(
      tester,
      size: const Size(360, 900),
      language: Language.french,
    );
    await tap(tester, find.text('Réglages'));
    await tap(tester, find.text('Langue'));
    await tap(tester, find.text('Comme l’appareil').last);

    expect(app.settings.current.language, isNull);
    expect(find.text('Settings'), findsWidgets);
  });

  shown('another server is asked about, for it ends the login', (tester) async {
    await open(tester);
    await enterServer(tester, 'grid.example:8443');
    expect(find.text('Change the server?'), findsOneWidget);
    await tap(tester, find.text('Cancel'));
    expect(app.settings.current.server.host, '127.0.0.1');

    await tap(tester, find.text('Save'));
    await tap(tester, find.text('Change'));
    expect('${app.settings.current.server}', 'https://grid.example:8443');
  });

  for (final (address, problem) in [
    ('', 'Enter an address such as https://grid.example.'),
    ('ftp://grid.example', 'Enter an address such as https://grid.example.'),
    ('http://grid.example', 'Only https:// is safe beyond this device.'),
  ]) {
    shown('"$address" is no server', (tester) async {
      await open(tester);
      await enterServer(tester, address);

      expect(find.text(problem), findsOneWidget);
      expect(app.settings.current.server.host, '127.0.0.1');
    });
  }

  shown('a key can be pinned, and taken away again', (tester) async {
    await open(tester);
    await tap(tester, find.text('Address'));
    await tester.enterText(find.byType(TextFormField).last, 'abc');
    await tap(tester, find.text('Save'));
    expect(
      find.text('64 hexadecimal digits or Base64 were expected.'),
      findsOneWidget,
    );

    await tester.enterText(find.byType(TextFormField).last, 'AB' * 32);
    await tap(tester, find.text('Save'));
    expect(app.settings.current.pin, CertificatePin.parse('ab' * 32));

    await tap(tester, find.text('Address'));
    await tester.enterText(find.byType(TextFormField).last, ' ');
    await tap(tester, find.text('Save'));
    expect(app.settings.current.pin, isNull);
  });

  shown('signing out asks first, and says what is lost', (tester) async {
    app.actions.actions.add(
      AlertAction(
        key: 'key-1',
        gridId: kGrid.id,
        alertId: 'alert-village-1-7',
        kind: ActionKind.acknowledge,
        madeAt: kNow,
      ),
    );
    await open(tester);
    await tap(tester, find.text('Sign out'));
    expect(
      find.textContaining('1 action that waits for a connection will be lost.'),
      findsOneWidget,
    );
    await tap(tester, find.text('Stay'));
    expect(app.auth.isSignedIn, isTrue);

    await tap(tester, find.text('Sign out'));
    await tap(tester, find.widgetWithText(FilledButton, 'Sign out'));
    expect(find.byType(LoginScreen), findsOneWidget);
  });

  shown('before the login the server can be changed too', (tester) async {
    app = TestApp(isSignedIn: false);
    await app.show(tester);
    await tap(tester, find.byTooltip('Settings'));
    expect(find.text('Sign out'), findsNothing);
    await enterServer(tester, 'https://grid.example');

    expect('${app.settings.current.server}', 'https://grid.example');
    expect(find.text('Change the server?'), findsNothing);
  });

  for (final (scale, mode) in [
    (1.0, ThemeMode.light),
    (1.0, ThemeMode.dark),
    (2.0, ThemeMode.light),
  ]) {
    shown('everybody can use it, ${mode.name}, text of ${scale * 100} %', (
      tester,
    ) async {
      final semantics = tester.ensureSemantics();
      await app.show(
        tester,
        size: Size(360, 900 * scale),
        textScale: scale,
        themeMode: mode,
      );
      Future<void> expectUsable() async {
        await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
        await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
        await expectLater(tester, meetsGuideline(textContrastGuideline));
      }

      await tap(tester, find.text('Settings'));
      await expectUsable();
      await tap(tester, find.text('Language'));
      await expectUsable();
      await tap(tester, find.text('Cancel'));
      await tap(tester, find.text('Address'));
      await expectUsable();
      semantics.dispose();
    });
  }
}
