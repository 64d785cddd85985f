import 'package:intl/intl.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';
import 'settings_words.dart';

class FrenchSettingsWords implements SettingsWords {
  const FrenchSettingsWords();

  @override
  String get look => 'Affichage';

  @override
  String get theme => 'Thème';

  @override
  String appearanceName(Appearance appearance) => switch (appearance) {
    Appearance.system => 'Comme l’appareil',
    Appearance.light => 'Clair',
    Appearance.dark => 'Sombre',
  };

  @override
  String get language => 'Langue';

  @override
  String get languageOfDevice => 'Comme l’appareil';

  @override
  String get server => 'Serveur';

  @override
  String get address => 'Adresse';

  @override
  String addressProblem(AddressProblem problem) => switch (problem) {
    AddressProblem.none => 'Saisissez une adresse comme https://grid.example.',
    AddressProblem.unencrypted =>
      'Au-delà de cet appareil, seul https:// est sûr.',
  };

  @override
  String get pin => 'Clé du serveur (facultatif)';

  @override
  String get pinHelp =>
      'SHA-256 de la clé publique du serveur, donné par votre administrateur. L’application ne parle alors à aucun autre serveur. Sinon, laissez ce champ vide.';

  @override
  String get pinProblem =>
      '64 chiffres hexadécimaux ou du Base64 étaient attendus.';

  @override
  String get save => 'Enregistrer';

  @override
  String get changeServerQuestion => 'Changer de serveur ?';

  @override
  String get changeServerConsequence =>
      'Vous serez déconnecté du serveur actuel.';

  @override
  String get change => 'Changer';

  @override
  String get account => 'Compte';

  @override
  String get signedInAs => 'Connecté en tant que';

  @override
  String actionsAreLost(int count) => Intl.plural(
    count,
    locale: 'fr',
    one: '1 action en attente de connexion sera perdue.',
    other: '$count actions en attente de connexion seront perdues.',
  );

  @override
  String get about => 'À propos';

  @override
  String get version => 'Version';
}
