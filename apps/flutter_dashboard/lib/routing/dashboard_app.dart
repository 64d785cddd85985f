import 'package:flutter/material.dart';

import '../config/dependencies.dart';
import '../l10n/words.dart';
import '../l10n/words_delegate.dart';
import '../ui/auth/login_screen.dart';
import '../ui/auth/login_view_model.dart';
import '../ui/core/themes.dart';
import '../ui/dashboard/dashboard_screen.dart';
import '../ui/dashboard/dashboard_view_model.dart';
import '../ui/dashboard/trends_view_model.dart';

/// The app: the login screen, or the dashboard of whoever is signed in.
class DashboardApp extends StatelessWidget {
  const DashboardApp({
    required this.dependencies,
    this.themeMode,
    this.locale,
    super.key,
  });

  final Dependencies dependencies;

  /// As the system has it, when null.
  final ThemeMode? themeMode;

  /// As the system has it, when null.
  final Locale? locale;

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: Words.appName,
    localizationsDelegates: WordsDelegate.all,
    supportedLocales: WordsDelegate.locales,
    locale: locale,
    theme: themeOf(Brightness.light),
    darkTheme: themeOf(Brightness.dark),
    themeMode: themeMode ?? ThemeMode.system,
    debugShowCheckedModeBanner: false,
    home: _Home(dependencies),
  );
}

class _Home extends StatefulWidget {
  const _Home(this.dependencies);

  final Dependencies dependencies;

  @override
  State<_Home> createState() => _HomeState();
}

class _HomeState extends State<_Home> {
  bool? _wasSignedIn;

  @override
  void initState() {
    super.initState();
    _wasSignedIn = widget.dependencies.auth.isSignedIn;
    widget.dependencies.auth.addListener(_closeWhatIsOpen);
  }

  @override
  void dispose() {
    widget.dependencies.auth.removeListener(_closeWhatIsOpen);
    super.dispose();
  }

  /// Nothing of a login that is over stays on the screen, such as an open alert.
  void _closeWhatIsOpen() {
    final isSignedIn = widget.dependencies.auth.isSignedIn;
    if (isSignedIn != _wasSignedIn) {
      _wasSignedIn = isSignedIn;
      Navigator.of(context).popUntil((route) => route.isFirst);
    }
  }

  @override
  Widget build(BuildContext context) {
    final auth = widget.dependencies.auth;
    return ListenableBuilder(
      listenable: auth,
      builder: (context, _) => auth.isSignedIn
          ? DashboardScreen(makeDashboard: _dashboard, makeTrends: _trends)
          : LoginScreen(makeViewModel: () => LoginViewModel(auth: auth)),
    );
  }

  DashboardViewModel _dashboard() => DashboardViewModel(
    grids: widget.dependencies.grids,
    alerts: widget.dependencies.alerts,
    saveLastKnown: widget.dependencies.saveLastKnown,
    signOut: widget.dependencies.auth.signOut,
    now: widget.dependencies.now,
  );

  TrendsViewModel _trends() =>
      TrendsViewModel(histories: widget.dependencies.histories);
}
