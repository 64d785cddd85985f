import 'package:intl/intl.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';
import 'settings_words.dart';

class EnglishSettingsWords implements SettingsWords {
  const EnglishSettingsWords();

  @override
  String get look => 'Display';

  @override
  String get theme => 'Theme';

  @override
  String appearanceName(Appearance appearance) => switch (appearance) {
    Appearance.system => 'As on this device',
    Appearance.light => 'Light',
    Appearance.dark => 'Dark',
  };

  @override
  String get language => 'Language';

  @override
  String get languageOfDevice => 'As on this device';

  @override
  String get server => 'Server';

  @override
  String get address => 'Address';

  @override
  String addressProblem(AddressProblem problem) => switch (problem) {
    AddressProblem.none => 'Enter an address such as https://grid.example.',
    AddressProblem.unencrypted => 'Only https:// is safe beyond this device.',
  };

  @override
  String get pin => 'Server key (optional)';

  @override
  String get pinHelp =>
      'SHA-256 of the server’s public key, as your administrator gives it to you. With it, the app talks to no other server. Leave it empty otherwise.';

  @override
  String get pinProblem => '64 hexadecimal digits or Base64 were expected.';

  @override
  String get save => 'Save';

  @override
  String get changeServerQuestion => 'Change the server?';

  @override
  String get changeServerConsequence =>
      'You are signed out of the present one.';

  @override
  String get change => 'Change';

  @override
  String get account => 'Account';

  @override
  String get signedInAs => 'Signed in as';

  @override
  String actionsAreLost(int count) => Intl.plural(
    count,
    locale: 'en',
    one: '1 action that waits for a connection will be lost.',
    other: '$count actions that wait for a connection will be lost.',
  );

  @override
  String get about => 'About';

  @override
  String get version => 'Version';
}
