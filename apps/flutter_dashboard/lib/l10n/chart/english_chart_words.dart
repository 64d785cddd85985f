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
  String description(String title, String lowest, String highest) =>
      'Chart of $title: from $lowest to $highest';
}
