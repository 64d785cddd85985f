import '../../domain/models/history.dart';
import 'chart_words.dart';

class SpanishChartWords implements ChartWords {
  const SpanishChartWords();

  @override
  String get trends => 'Evolución';

  @override
  String get choosePeriod => 'Elegir un periodo';

  @override
  String get loading => 'Cargando el gráfico';

  @override
  String nothingMeasured(Period period) => switch (period) {
    Period.hour => 'No se midió nada en la última hora.',
    Period.day => 'No se midió nada en las últimas 24 horas.',
    Period.week => 'No se midió nada en los últimos 7 días.',
    Period.month => 'No se midió nada en los últimos 30 días.',
  };

  @override
  String notUpToDate(String why) => 'Desactualizado. $why';

  @override
  String valueAt(String value, String when) => '$value a las $when';

  @override
  String get withoutValues => 'Gráfico sin valores';

  @override
  String description(String title, String lowest, String highest) =>
      'Gráfico de $title: de $lowest a $highest';
}
