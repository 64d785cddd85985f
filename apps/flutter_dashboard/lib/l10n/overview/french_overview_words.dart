import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import 'overview_words.dart';

class FrenchOverviewWords implements OverviewWords {
  const FrenchOverviewWords();

  @override
  String get search => 'Rechercher';

  @override
  String get clearSearch => 'Effacer la recherche';

  @override
  String noneFound(String text) => 'Aucun réseau ne s’appelle « $text ».';

  @override
  String newestValue(String age) => 'dernière valeur $age';

  @override
  String get noOpenAlerts => 'Aucune alerte ouverte';

  @override
  String openAlerts(int count, Severity severity) => switch (severity) {
    Severity.critical => Intl.plural(
      count,
      locale: 'fr',
      one: '1 alerte critique',
      other: '$count alertes critiques',
    ),
    Severity.warning => Intl.plural(
      count,
      locale: 'fr',
      one: '1 avertissement',
      other: '$count avertissements',
    ),
    Severity.info => Intl.plural(
      count,
      locale: 'fr',
      one: '1 info',
      other: '$count infos',
    ),
  };

  @override
  String devicesConnected(int count, int total) =>
      '$count appareils connectés sur $total';

  @override
  String get noDevices => 'Aucun appareil';
}
