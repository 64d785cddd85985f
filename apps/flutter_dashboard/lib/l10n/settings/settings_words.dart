import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';

/// The texts of the settings.
abstract interface class SettingsWords {
  // How the app looks.
  String get look;
  String get theme;
  String appearanceName(Appearance appearance);
  String get language;

  /// In place of the name of a language.
  String get languageOfDevice;

  // The server.
  String get server;
  String get address;
  String addressProblem(AddressProblem problem);
  String get pin;
  String get pinHelp;
  String get pinProblem;
  String get save;
  String get changeServerQuestion;
  String get changeServerConsequence;
  String get change;

  // Who is signed in.
  String get account;
  String get signedInAs;
  String actionsAreLost(int count);

  // The app itself.
  String get about;
  String get version;
}
