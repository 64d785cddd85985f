import 'dart:async';

import 'package:flutter/foundation.dart';

import '../../data/repositories/action_repository.dart';
import '../../data/repositories/auth_repository.dart';
import '../../data/repositories/settings_repository.dart';
import '../../domain/models/app_settings.dart';
import '../../domain/models/certificate_pin.dart';
import '../../domain/models/language.dart';
import '../../domain/models/server_address.dart';

/// What can be chosen about the app, and who is signed in.
class SettingsViewModel extends ChangeNotifier {
  SettingsViewModel({
    required SettingsRepository settings,
    required AuthRepository auth,
    required ActionRepository actions,
    required this.version,
  }) : _settings = settings,
       _auth = auth,
       _actions = actions {
    _settings.addListener(notifyListeners);
  }

  final SettingsRepository _settings;
  final AuthRepository _auth;
  final ActionRepository _actions;

  /// Of the app.
  final String version;

  AppSettings get settings => _settings.current;

  bool get isSignedIn => _auth.isSignedIn;

  /// Null when nobody is signed in, or it is not known who.
  String? get username => _auth.username;

  /// How many actions have not reached the server: signing out forgets them.
  int get waiting => _actions.pending.length;

  void chooseAppearance(Appearance appearance) =>
      unawaited(_settings.change(settings.withAppearance(appearance)));

  /// Null: the phone's.
  void chooseLanguage(Language? language) =>
      unawaited(_settings.change(settings.withLanguage(language)));

  /// What is wrong with an address; null if nothing is.
  AddressProblem? problemOf(String address) {
    try {
      serverAddress(_whole(address));
      return null;
    } on AddressException catch (exception) {
      return exception.problem;
    }
  }

  /// Whether a text is a key, or empty.
  bool isKey(String pin) {
    try {
      _pin(pin);
      return true;
    } on FormatException {
      return false;
    }
  }

  /// Whether going to a server of that address ends a login.
  bool signsOut(String address) =>
      isSignedIn && serverAddress(_whole(address)) != settings.server;

  /// Go to another server, or to the same one with another key: both have to be in order.
  void chooseServer(String address, String pin) => unawaited(
    _settings.change(
      settings.withServer(serverAddress(_whole(address)), _pin(pin)),
    ),
  );

  void signOut() => unawaited(_auth.signOut());

  @override
  void dispose() {
    _settings.removeListener(notifyListeners);
    super.dispose();
  }
}

/// Nobody needs to type what nearly every address begins with.
String _whole(String address) =>
    address.contains('://') ? address : 'https://${address.trim()}';

CertificatePin? _pin(String text) =>
    text.trim().isEmpty ? null : CertificatePin.parse(text);
