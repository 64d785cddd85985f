import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_test/flutter_test.dart';

import 'app.dart';

/// Compare a screen of the app with `test/goldens/pictures/<name>.png`.
void pictured(
  String name, {
  Size size = phone,
  double textScale = 1,
  ThemeMode themeMode = ThemeMode.light,
  Language? language,
  bool isSignedIn = true,
  void Function(TestApp app)? given,
  Future<void> Function(WidgetTester tester)? after,
}) => testWidgets(name, (tester) async {
  final app = TestApp(isSignedIn: isSignedIn);
  given?.call(app);
  await app.show(
    tester,
    size: size,
    textScale: textScale,
    themeMode: themeMode,
    language: language,
  );
  await after?.call(tester);
  await expectLater(
    find.byType(MaterialApp),
    matchesGoldenFile('pictures/$name.png'),
  );
  await TestApp.close(tester);
});
