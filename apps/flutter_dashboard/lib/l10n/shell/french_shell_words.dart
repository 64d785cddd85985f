import 'shell_words.dart';

class FrenchShellWords implements ShellWords {
  const FrenchShellWords();

  @override
  String get dashboard => 'Accueil';

  @override
  String get grids => 'Réseaux';

  @override
  String get alerts => 'Alertes';

  @override
  String get devices => 'Appareils';

  @override
  String get energy => 'Énergie';

  @override
  String get settings => 'Réglages';

  @override
  String get more => 'Plus';
}
