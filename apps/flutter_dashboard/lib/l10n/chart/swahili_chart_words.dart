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
  String description(String title, String lowest, String highest) =>
      'Chati ya $title: kuanzia $lowest hadi $highest';
}
