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
  String get compare => 'Comparar';

  @override
  String get zoomIn => 'Acercar';

  @override
  String get zoomOut => 'Alejar';

  @override
  String get showAll => 'Mostrar todo';

  @override
  String get fullScreen => 'Pantalla completa';

  @override
  String get export => 'Exportar';

  @override
  String get exportTable => 'Tabla (CSV)';

  @override
  String get exportPicture => 'Imagen (PNG)';

  @override
  String get notSaved => 'No se pudo guardar el archivo.';

  @override
  String get nothingThere => 'sin datos';

  @override
  String get loadingDetail => 'Cargando más detalle';

  @override
  String savedAs(String path) => 'Guardado en $path';

  @override
  String noDetail(String why) => 'Sin más detalle por ahora. $why';

  @override
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  }) =>
      '$title: mínimo $lowest, máximo $highest, último valor $newest.${switch (gaps) {
        0 => '',
        1 => ' 1 interrupción.',
        _ => ' $gaps interrupciones.',
      }}';
}
