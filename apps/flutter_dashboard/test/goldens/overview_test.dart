@Tags(['golden'])
library;

import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/fakes/overviews.dart';
import '../../testing/models.dart';
import '../../testing/pictured.dart';

void main() {
  void overview(
    String suffix, {
    Size size = phone,
    ThemeMode themeMode = ThemeMode.light,
    double textScale = 1,
    Language? language,
    void Function(TestApp app)? given,
  }) => pictured(
    'overview$suffix',
    size: size,
    themeMode: themeMode,
    textScale: textScale,
    language: language,
    given: (app) {
      app.grids.gridsAnswer = const Ok([
        kGrid,
        Grid(id: 'village-2', name: 'Homa Bay'),
      ]);
      given?.call(app);
    },
    after: (tester) async {
      await tester.pumpAndSettle(const Duration(milliseconds: 100));
      await tester.tap(find.byIcon(Icons.holiday_village_outlined));
      await tester.pumpAndSettle(const Duration(milliseconds: 100));
    },
  );

  overview('', size: const Size(360, 1000));
  overview('_dark', size: const Size(360, 1000), themeMode: ThemeMode.dark);
  overview('_large_text', textScale: 2);
  overview('_landscape', size: phone.flipped);
  overview('_tablet', size: tablet);
  overview('_tablet_dark', size: tablet, themeMode: ThemeMode.dark);
  overview('_many', given: (app) => app.overviews.answer = Ok(manyGrids(1000)));
  overview(
    '_offline',
    given: (app) => app.overviews
      ..kept = fiveGrids()
      ..answer = const Failed(Unreachable()),
  );
  overview(
    '_failed',
    given: (app) => app.overviews.answer = const Failed(Unreachable()),
  );
  for (final language in Language.values.skip(1)) {
    overview('_${language.code}', language: language);
  }
}
