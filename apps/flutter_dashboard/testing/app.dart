import 'package:flutter/material.dart';
import 'package:flutter_dashboard/config/dependencies.dart';
import 'package:flutter_dashboard/data/repositories/selected_grid.dart';
import 'package:flutter_dashboard/domain/models/app_settings.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_dashboard/routing/dashboard_app.dart';
import 'package:flutter_test/flutter_test.dart';

import 'fakes.dart';
import 'fakes/actions.dart';
import 'fakes/overviews.dart';
import 'fakes/settings.dart';
import 'fakes/shares.dart';
import 'models.dart';

/// The whole app on fakes.
class TestApp {
  TestApp({bool isSignedIn = true}) : auth = FakeAuth(isSignedIn: isSignedIn);

  final FakeAuth auth;
  final grids = FakeGridRepository();
  final alerts = FakeAlertRepository();
  final actions = FakeActionRepository();
  final histories = FakeHistoryRepository();
  final overviews = FakeOverviews();
  final selectedGrid = SelectedGrid();
  final settings = FakeSettings();
  final shares = FakeShares();
  DateTime now = kNow;

  /// What the app is built on.
  Dependencies get dependencies => Dependencies(
    auth: auth,
    grids: grids,
    alerts: alerts,
    actions: actions,
    histories: histories,
    overviews: overviews,
    selectedGrid: selectedGrid,
    settings: settings,
    saveLastKnown: () async {},
    share: shares.share,
    now: () => now,
  );

  /// Show it on a screen of [size], with text [textScale] times as large.
  Future<void> show(
    WidgetTester tester, {
    Size size = phone,
    double textScale = 1,
    ThemeMode themeMode = ThemeMode.light,
    Language? language,
  }) async {
    tester.view
      ..devicePixelRatio = 1
      ..physicalSize = size;
    tester.platformDispatcher.textScaleFactorTestValue = textScale;
    addTearDown(tester.view.reset);
    addTearDown(tester.platformDispatcher.clearAllTestValues);
    settings.current = settings.current
        .withAppearance(Appearance.values.byName(themeMode.name))
        .withLanguage(language);
    await tester.pumpWidget(DashboardApp(dependencies: dependencies));
    await tester.pump();
    await tester.pump();
  }

  /// Take the app off the screen: no timer may be left then.
  static Future<void> close(WidgetTester tester) =>
      tester.pumpWidget(const SizedBox());
}

const phone = Size(360, 640);
const tablet = Size(1024, 768);
const desktop = Size(1440, 900);
