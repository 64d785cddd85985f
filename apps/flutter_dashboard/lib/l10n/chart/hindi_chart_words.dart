import '../../domain/models/history.dart';
import 'chart_words.dart';

class HindiChartWords implements ChartWords {
  const HindiChartWords();

  @override
  String get trends => 'रुझान';

  @override
  String get choosePeriod => 'अवधि चुनें';

  @override
  String get loading => 'चार्ट लोड हो रहा है';

  @override
  String nothingMeasured(Period period) => switch (period) {
    Period.hour => 'पिछले 1 घंटे में कुछ नहीं मापा गया।',
    Period.day => 'पिछले 24 घंटों में कुछ नहीं मापा गया।',
    Period.week => 'पिछले 7 दिनों में कुछ नहीं मापा गया।',
    Period.month => 'पिछले 30 दिनों में कुछ नहीं मापा गया।',
  };

  @override
  String notUpToDate(String why) => 'ताज़ा नहीं है। $why';

  @override
  String valueAt(String value, String when) => '$when पर $value';

  @override
  String get withoutValues => 'बिना मानों का चार्ट';

  @override
  String description(String title, String lowest, String highest) =>
      '$title का चार्ट: $lowest से $highest तक';
}
