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
  String get compare => 'Comparer';

  @override
  String get zoomIn => 'Agrandir';

  @override
  String get zoomOut => 'Réduire';

  @override
  String get showAll => 'Tout afficher';

  @override
  String get fullScreen => 'Plein écran';

  @override
  String get export => 'Exporter';

  @override
  String get exportTable => 'Tableau (CSV)';

  @override
  String get exportPicture => 'Image (PNG)';

  @override
  String get notSaved => 'Le fichier n’a pas pu être enregistré.';

  @override
  String get nothingThere => 'pas de données';

  @override
  String get loadingDetail => 'Chargement des détails';

  @override
  String savedAs(String path) => 'Enregistré : $path';

  @override
  String noDetail(String why) => 'Pas plus de détails pour l’instant. $why';

  @override
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  }) =>
      '$title : minimum $lowest, maximum $highest, dernière valeur $newest.${switch (gaps) {
        0 => '',
        1 => ' 1 interruption.',
        _ => ' $gaps interruptions.',
      }}';
}
