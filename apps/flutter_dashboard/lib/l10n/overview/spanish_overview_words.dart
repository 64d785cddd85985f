import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import 'overview_words.dart';

class SpanishOverviewWords implements OverviewWords {
  const SpanishOverviewWords();

  @override
  String get search => 'Buscar';

  @override
  String get clearSearch => 'Borrar la búsqueda';

  @override
  String noneFound(String text) => 'Ninguna red se llama «$text».';

  @override
  String newestValue(String age) => 'último valor $age';

  @override
  String get noOpenAlerts => 'Sin alertas abiertas';

  @override
  String openAlerts(int count, Severity severity) => switch (severity) {
    Severity.critical => Intl.plural(
      count,
      locale: 'es',
      one: '1 alerta crítica',
      other: '$count alertas críticas',
    ),
    Severity.warning => Intl.plural(
      count,
      locale: 'es',
      one: '1 advertencia',
      other: '$count advertencias',
    ),
    Severity.info => Intl.plural(
      count,
      locale: 'es',
      one: '1 información',
      other: '$count informaciones',
    ),
  };

  @override
  String devicesConnected(int count, int total) =>
      '$count de $total equipos conectados';

  @override
  String get noDevices => 'Sin equipos';
}
