import 'dart:async';

import 'package:flutter/material.dart';

import '../config/dependencies.dart';
import '../domain/models/app_settings.dart';
import '../l10n/words.dart';
import '../l10n/words_delegate.dart';
import '../ui/auth/login_screen.dart';
import '../ui/auth/login_view_model.dart';
import '../ui/core/themes.dart';
import '../ui/shell/shell_screen.dart';
import 'destinations.dart';
import 'routes.dart';

/// The app on a server: the login, or the places of whoever is signed in.
class DashboardApp extends StatefulWidget {
  const DashboardApp({required this.dependencies, super.key});

  final Dependencies dependencies;

  @override
  State<DashboardApp> createState() => _DashboardAppState();
}

class _DashboardAppState extends State<DashboardApp>
    with WidgetsBindingObserver {
  final _navigator = GlobalKey<NavigatorState>();
  late final _auth = widget.dependencies.auth;
  late bool _wasSignedIn;

  late final _destinations = destinationsOn(widget.dependencies);

  /// What a link or a message asked for before anybody was signed in.
  AlertPlace? _wanted;

  @override
  void initState() {
    super.initState();
    _wasSignedIn = _auth.isSignedIn;
    _auth.addListener(_follow);
    final binding = WidgetsBinding.instance..addObserver(this);
    // What the app was opened with.
    _open(binding.platformDispatcher.defaultRouteName);
  }

  @override
  void dispose() {
    WidgetsBinding.instance.removeObserver(this);
    _auth.removeListener(_follow);
    super.dispose();
  }

  /// A link was followed while the app runs. One that means nothing here opens nothing.
  @override
  Future<bool> didPushRouteInformation(RouteInformation route) async {
    _open('${route.uri}');
    return true;
  }

  void _open(String location) {
    if (alertPlaceOf(location) case final place?) {
      _wanted = place;
      _showWanted();
    }
  }

  void _showWanted() {
    if (_wanted case final place? when _auth.isSignedIn) {
      _wanted = null;
      widget.dependencies.selectedGrid.choose(place.gridId);
      _navigator.currentState?.popUntil((route) => route.isFirst);
    }
  }

  /// Nothing of a login that is over stays on the screen, such as an open alert.
  void _follow() {
    if (_auth.isSignedIn != _wasSignedIn) {
      _wasSignedIn = _auth.isSignedIn;
      _navigator.currentState?.popUntil((route) => route.isFirst);
      _showWanted();
    }
  }

  @override
  Widget build(BuildContext context) {
    final settings = widget.dependencies.settings;
    return ListenableBuilder(
      listenable: settings,
      builder: (context, _) => MaterialApp(
        title: Words.appName,
        navigatorKey: _navigator,
        theme: themeOf(Brightness.light),
        darkTheme: themeOf(Brightness.dark),
        themeMode: switch (settings.current.appearance) {
          Appearance.system => ThemeMode.system,
          Appearance.light => ThemeMode.light,
          Appearance.dark => ThemeMode.dark,
        },
        localizationsDelegates: WordsDelegate.all,
        supportedLocales: WordsDelegate.locales,
        locale: switch (settings.current.language) {
          final language? => Locale(language.code),
          null => null,
        },
        debugShowCheckedModeBanner: false,
        onGenerateInitialRoutes: (_) => [_home()],
        onGenerateRoute: (route) => switch (route.name) {
          Routes.settings => MaterialPageRoute<void>(
            settings: route,
            builder: (context) => settingsOn(widget.dependencies),
          ),
          _ => null,
        },
      ),
    );
  }

  Route<void> _home() => MaterialPageRoute(
    settings: const RouteSettings(name: Routes.home),
    builder: (context) => ListenableBuilder(
      listenable: _auth,
      builder: (context, _) => _auth.isSignedIn
          ? ShellScreen(destinations: _destinations)
          : LoginScreen(
              makeViewModel: () => LoginViewModel(auth: _auth),
              onSettings: () => Navigator.pushNamed(context, Routes.settings),
            ),
    ),
  );
}
