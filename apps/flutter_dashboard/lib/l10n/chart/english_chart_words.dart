import '../../domain/models/history.dart';
import 'chart_words.dart';

class EnglishChartWords implements ChartWords {
  const EnglishChartWords();

  @override
  String get trends => 'Trends';

  @override
  String get choosePeriod => 'Choose a period';

  @override
  String get loading => 'Loading the chart';

  @override
  String nothingMeasured(Period period) => switch (period) {
    Period.hour => 'Nothing was measured in the last 1 hour.',
    Period.day => 'Nothing was measured in the last 24 hours.',
    Period.week => 'Nothing was measured in the last 7 days.',
    Period.month => 'Nothing was measured in the last 30 days.',
  };

  @override
  String notUpToDate(String why) => 'Not up to date. $why';

  @override
  String valueAt(String value, String when) => '$value at $when';

  @override
  String get withoutValues => 'Chart without values';

  @override
  String get compare => 'Compare';

  @override
  String get zoomIn => 'Zoom in';

  @override
  String get zoomOut => 'Zoom out';

  @override
  String get showAll => 'Show all';

  @override
  String get fullScreen => 'Full screen';

  @override
  String get export => 'Export';

  @override
  String get exportTable => 'Table (CSV)';

  @override
  String get exportPicture => 'Picture (PNG)';

  @override
  String get notSaved => 'The file could not be saved.';

  @override
  String get nothingThere => 'no data';

  @override
  String get loadingDetail => 'Loading more detail';

  @override
  String savedAs(String path) => 'Saved as $path';

  @override
  String noDetail(String why) => 'No more detail for now. $why';

  @override
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  }) =>
      '$title: lowest $lowest, highest $highest, newest $newest.${switch (gaps) {
        0 => '',
        1 => ' 1 gap.',
        _ => ' $gaps gaps.',
      }}';
}
