import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import 'common_words.dart';

class FrenchCommonWords implements CommonWords {
  const FrenchCommonWords();

  @override
  String failure(Failure failure) => switch (failure) {
    Unreachable() => 'Le serveur est injoignable. Vérifiez votre connexion.',
    Refused(:final detail) when detail.isNotEmpty => detail,
    Refused(:final status) =>
      'Le serveur ne peut pas faire cela pour le moment ($status).',
    LoginEnded() => 'Votre session est terminée : reconnectez-vous.',
    Unintelligible() => 'Le serveur a donné une réponse que cette version de l’application ne comprend pas.',
  };

  @override
  String get tryAgain => 'Réessayer';

  @override
  String get retry => 'Réessayer';

  @override
  String get loading => 'Chargement';

  @override
  String get cancel => 'Annuler';

  @override
  String severityName(Severity severity) => switch (severity) {
    Severity.critical => 'Critique',
    Severity.warning => 'Avertissement',
    Severity.info => 'Info',
  };

  @override
  String metricName(Metric metric) => switch (metric) {
    Metric.consumption => 'Consommation',
    Metric.generation => 'Production',
    Metric.stateOfCharge => 'Batterie',
  };

  @override
  String metricTitle(Metric metric) => switch (metric) {
    Metric.consumption => 'Consommation',
    Metric.generation => 'Production',
    Metric.stateOfCharge => 'Charge de la batterie',
  };

  @override
  String freshnessName(Freshness freshness) => switch (freshness) {
    Freshness.live => 'En direct',
    Freshness.stale => 'Pas à jour',
    Freshness.unknown => 'Inconnu',
    Freshness.offline => 'Hors ligne',
  };

  @override
  String periodName(Period period) => switch (period) {
    Period.hour => '1 heure',
    Period.day => '24 heures',
    Period.week => '7 jours',
    Period.month => '30 jours',
  };

  @override
  String age(Duration age) => switch (age) {
    Duration(inSeconds: < 1) => 'à l’instant',
    Duration(inSeconds: < 60 && final seconds) => 'il y a $seconds s',
    Duration(inMinutes: < 60 && final minutes) => 'il y a $minutes min',
    Duration(inHours: < 48 && final hours) => 'il y a $hours h',
    Duration(inDays: final days) => 'il y a $days jours',
  };
}
