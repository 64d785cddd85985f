import '../../domain/models/history.dart';
import 'chart_words.dart';

class FrenchChartWords implements ChartWords {
  const FrenchChartWords();

  @override
  String get trends => 'Évolution';

  @override
  String get choosePeriod => 'Choisir une période';

  @override
  String get loading => 'Chargement du graphique';

  @override
  String nothingMeasured(Period period) => switch (period) {
    Period.hour => 'Rien n’a été mesuré au cours de la dernière heure.',
    Period.day => 'Rien n’a été mesuré au cours des dernières 24 heures.',
    Period.week => 'Rien n’a été mesuré au cours des 7 derniers jours.',
    Period.month => 'Rien n’a été mesuré au cours des 30 derniers jours.',
  };

  @override
  String notUpToDate(String why) => 'Pas à jour. $why';

  @override
  String valueAt(String value, String when) => '$value à $when';

  @override
  String get withoutValues => 'Graphique sans valeurs';

  @override
  String description(String title, String lowest, String highest) =>
      'Graphique, $title : de $lowest à $highest';
}
