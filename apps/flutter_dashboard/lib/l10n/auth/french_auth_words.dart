import 'auth_words.dart';

class FrenchAuthWords implements AuthWords {
  const FrenchAuthWords();

  @override
  String get username => 'Nom d’utilisateur';

  @override
  String get enterUsername => 'Saisissez votre nom d’utilisateur.';

  @override
  String get password => 'Mot de passe';

  @override
  String get enterPassword => 'Saisissez votre mot de passe.';

  @override
  String get showPassword => 'Afficher le mot de passe';

  @override
  String get hidePassword => 'Masquer le mot de passe';

  @override
  String get login => 'Connexion';

  @override
  String get signingIn => 'Connexion en cours';

  @override
  String get signOut => 'Se déconnecter';

  @override
  String get signOutQuestion => 'Se déconnecter ?';

  @override
  String get signOutConsequence =>
      'Les dernières données connues de vos réseaux seront supprimées de cet appareil.';

  @override
  String get stay => 'Rester';
}
