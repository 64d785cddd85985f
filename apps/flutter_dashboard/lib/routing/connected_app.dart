import 'dart:async';

import 'package:flutter/material.dart';

import '../config/dependencies.dart';
import '../data/repositories/settings_repository.dart';
import '../domain/models/app_settings.dart';
import 'dashboard_app.dart';

/// The app on the server of the settings; on another one, once they name that.
class ConnectedApp extends StatefulWidget {
  const ConnectedApp({
    required this.settings,
    required this.connect,
    required this.first,
    super.key,
  });

  final SettingsRepository settings;

  /// To the server of the settings, as they are then.
  final Future<Dependencies> Function() connect;

  /// Connected before the first frame, which so has something to show.
  final Dependencies first;

  @override
  State<ConnectedApp> createState() => _ConnectedAppState();
}

class _ConnectedAppState extends State<ConnectedApp> {
  late AppSettings _settings;

  /// Null while it changes.
  late Dependencies? _dependencies = widget.first;

  /// A server that is left hears of it if it answers in this time.
  static const _farewell = Duration(seconds: 3);

  @override
  void initState() {
    super.initState();
    _settings = widget.settings.current;
    widget.settings.addListener(_follow);
  }

  @override
  void dispose() {
    widget.settings.removeListener(_follow);
    super.dispose();
  }

  void _follow() {
    final old = _settings;
    _settings = widget.settings.current;
    if (_dependencies case final left? when !_settings.connectsLike(old)) {
      setState(() => _dependencies = null);
      unawaited(_reconnect(left, old));
    }
  }

  Future<void> _reconnect(Dependencies left, AppSettings old) async {
    if (left.auth.isSignedIn && _settings.server != old.server) {
      await left.auth.signOut().timeout(_farewell, onTimeout: () {});
    }
    left.actions.dispose();
    final connected = await widget.connect();
    if (mounted) {
      setState(() => _dependencies = connected);
    }
  }

  @override
  Widget build(BuildContext context) => switch (_dependencies) {
    final dependencies? => DashboardApp(
      key: ObjectKey(dependencies),
      dependencies: dependencies,
    ),
    null => const ColoredBox(color: Color(0xFF00695C)),
  };
}
