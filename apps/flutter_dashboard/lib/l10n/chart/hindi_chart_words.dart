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
  String get compare => 'तुलना करें';

  @override
  String get zoomIn => 'बड़ा करें';

  @override
  String get zoomOut => 'छोटा करें';

  @override
  String get showAll => 'पूरा दिखाएँ';

  @override
  String get fullScreen => 'पूरी स्क्रीन';

  @override
  String get export => 'निर्यात करें';

  @override
  String get exportTable => 'तालिका (CSV)';

  @override
  String get exportPicture => 'चित्र (PNG)';

  @override
  String get notSaved => 'फ़ाइल सहेजी नहीं जा सकी।';

  @override
  String get nothingThere => 'कोई डेटा नहीं';

  @override
  String get loadingDetail => 'और विवरण लोड हो रहा है';

  @override
  String savedAs(String path) => 'यहाँ सहेजा गया: $path';

  @override
  String noDetail(String why) => 'अभी और विवरण नहीं। $why';

  @override
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  }) =>
      '$title: न्यूनतम $lowest, अधिकतम $highest, नवीनतम $newest।${switch (gaps) {
        0 => '',
        1 => ' 1 अंतराल।',
        _ => ' $gaps अंतराल।',
      }}';
}
