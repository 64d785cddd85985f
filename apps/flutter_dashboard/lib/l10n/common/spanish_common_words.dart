import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import 'common_words.dart';

class SpanishCommonWords implements CommonWords {
  const SpanishCommonWords();

  @override
  String failure(Failure failure) => switch (failure) {
    Unreachable() =>
      'No se puede contactar con el servidor. Compruebe su conexión.',
    Refused(:final detail) when detail.isNotEmpty => detail,
    Refused(:final status) =>
      'El servidor no puede hacer esto en este momento ($status).',
    LoginEnded() => 'Su sesión ha terminado: vuelva a entrar.',
    Unintelligible() => 'El servidor dio una respuesta que esta versión de la aplicación no entiende.',
  };

  @override
  String get tryAgain => 'Intentar de nuevo';

  @override
  String get retry => 'Reintentar';

  @override
  String get loading => 'Cargando';

  @override
  String get cancel => 'Cancelar';

  @override
  String severityName(Severity severity) => switch (severity) {
    Severity.critical => 'Crítica',
    Severity.warning => 'Advertencia',
    Severity.info => 'Información',
  };

  @override
  String metricName(Metric metric) => switch (metric) {
    Metric.consumption => 'Consumo',
    Metric.generation => 'Generación',
    Metric.stateOfCharge => 'Batería',
  };

  @override
  String metricTitle(Metric metric) => switch (metric) {
    Metric.consumption => 'Consumo',
    Metric.generation => 'Generación',
    Metric.stateOfCharge => 'Carga de la batería',
  };

  @override
  String freshnessName(Freshness freshness) => switch (freshness) {
    Freshness.live => 'En vivo',
    Freshness.stale => 'Desactualizado',
    Freshness.unknown => 'Desconocido',
    Freshness.offline => 'Sin conexión',
  };

  @override
  String periodName(Period period) => switch (period) {
    Period.hour => '1 hora',
    Period.day => '24 horas',
    Period.week => '7 días',
    Period.month => '30 días',
  };

  @override
  String age(Duration age) => switch (age) {
    Duration(inSeconds: < 1) => 'ahora mismo',
    Duration(inSeconds: < 60 && final seconds) => 'hace $seconds s',
    Duration(inMinutes: < 60 && final minutes) => 'hace $minutes min',
    Duration(inHours: < 48 && final hours) => 'hace $hours h',
    Duration(inDays: final days) => 'hace $days días',
  };
}
