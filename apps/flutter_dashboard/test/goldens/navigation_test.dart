@Tags(['golden'])
library;

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_dashboard/ui/shell/place.dart';
import 'package:flutter_dashboard/ui/shell/shell_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';

void main() {
  void navigation(
    String suffix, {
    required Size size,
    Language language = Language.english,
    double textScale = 1,
    Brightness brightness = Brightness.light,
  }) => testWidgets('navigation$suffix', (tester) async {
    tester.view
      ..devicePixelRatio = 1
      ..physicalSize = size;
    addTearDown(tester.view.reset);
    tester.platformDispatcher.textScaleFactorTestValue = textScale;
    addTearDown(tester.platformDispatcher.clearAllTestValues);
    final semantics = tester.ensureSemantics();
    await tester.pumpWidget(
      MaterialApp(
        theme: themeOf(brightness),
        locale: Locale(language.code),
        localizationsDelegates: WordsDelegate.all,
        supportedLocales: WordsDelegate.locales,
        debugShowCheckedModeBanner: false,
        home: ShellScreen(
          destinations: [
            for (final place in Place.values)
              Destination(place, (context) => const SizedBox.expand()),
          ],
        ),
      ),
    );
    await expectLater(
      find.byType(MaterialApp),
      matchesGoldenFile('pictures/navigation$suffix.png'),
    );
    await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
    await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
    await expectLater(tester, meetsGuideline(textContrastGuideline));
    semantics.dispose();
  });

  for (final language in Language.values) {
    // Upright, for a phone, is all that is taller than wide.
    navigation(
      '_${language.code}',
      size: const Size(360, 400),
      language: language,
    );
    navigation(
      '_${language.code}_large_text',
      size: const Size(360, 400),
      language: language,
      textScale: 2,
    );
  }
  navigation('_dark', size: const Size(360, 400), brightness: Brightness.dark);
  navigation('_landscape', size: phone.flipped);
  navigation('_landscape_large_text', size: phone.flipped, textScale: 2);
  navigation('_tablet_large_text', size: tablet, textScale: 2);
  navigation('_desktop', size: desktop);
}
