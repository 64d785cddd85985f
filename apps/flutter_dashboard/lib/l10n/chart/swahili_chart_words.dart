import '../../domain/models/history.dart';
import 'chart_words.dart';

class SwahiliChartWords implements ChartWords {
  const SwahiliChartWords();

  @override
  String get trends => 'Mwenendo';

  @override
  String get choosePeriod => 'Chagua kipindi';

  @override
  String get loading => 'Inapakia chati';

  @override
  String nothingMeasured(Period period) => switch (period) {
    Period.hour => 'Hakuna kilichopimwa katika saa 1 iliyopita.',
    Period.day => 'Hakuna kilichopimwa katika saa 24 zilizopita.',
    Period.week => 'Hakuna kilichopimwa katika siku 7 zilizopita.',
    Period.month => 'Hakuna kilichopimwa katika siku 30 zilizopita.',
  };

  @override
  String notUpToDate(String why) => 'Si ya sasa. $why';

  @override
  String valueAt(String value, String when) => '$value, $when';

  @override
  String get withoutValues => 'Chati bila thamani';

  @override
  String get compare => 'Linganisha';

  @override
  String get zoomIn => 'Kuza';

  @override
  String get zoomOut => 'Punguza';

  @override
  String get showAll => 'Onyesha yote';

  @override
  String get fullScreen => 'Skrini nzima';

  @override
  String get export => 'Hamisha';

  @override
  String get exportTable => 'Jedwali (CSV)';

  @override
  String get exportPicture => 'Picha (PNG)';

  @override
  String get notSaved => 'Faili haikuweza kuhifadhiwa.';

  @override
  String get nothingThere => 'hakuna data';

  @override
  String get loadingDetail => 'Inapakia maelezo zaidi';

  @override
  String savedAs(String path) => 'Imehifadhiwa: $path';

  @override
  String noDetail(String why) => 'Hakuna maelezo zaidi kwa sasa. $why';

  @override
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  }) =>
      '$title: chini kabisa $lowest, juu kabisa $highest, ya mwisho $newest.${switch (gaps) {
        0 => '',
        1 => ' Pengo 1.',
        _ => ' Mapengo $gaps.',
      }}';
}
