import 'dashboard_words.dart';

class FrenchDashboardWords implements DashboardWords {
  const FrenchDashboardWords();

  @override
  String get noGrid =>
      'Il n’y a pas encore de microréseau que vous pouvez voir.';

  @override
  String get chooseGrid => 'Choisir un réseau';

  @override
  String get connecting => 'Connexion';

  @override
  String get offline => 'Hors ligne.';

  @override
  String offlineSince(String time) => 'Hors ligne. Voici l’état à $time.';

  @override
  String get alerts => 'Alertes';

  @override
  String alertsTitle(int count, {required bool hasMore}) =>
      hasMore ? 'Alertes ($count+)' : 'Alertes ($count)';

  @override
  String get noAlerts => 'Aucune alerte active.';

  @override
  String get alertsNotKnown => 'Pas encore connu.';

  @override
  String get showFewer => 'Afficher moins';

  @override
  String showAll(int count) => 'Afficher les $count';

  @override
  String acknowledgedBy(String name) => 'acquittée par $name';

  @override
  String get whatToDo => 'Que faire';

  @override
  String get since => 'Depuis';

  @override
  String get device => 'Appareil';

  @override
  String get acknowledged => 'Acquittée';

  @override
  String whenAndBy(String time, String name) => '$time, par $name';

  @override
  String get now => 'Maintenant';

  @override
  String get notActiveAnyMore =>
      'Elle ne fait plus partie des alertes actives.';

  @override
  String get acknowledge => 'Acquitter';

  @override
  String get acknowledging => 'Acquittement…';

  @override
  String notAcknowledged(String why) => 'Non acquittée. $why';
}
