import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import 'overview_words.dart';

class HindiOverviewWords implements OverviewWords {
  const HindiOverviewWords();

  @override
  String get search => 'खोजें';

  @override
  String get clearSearch => 'खोज मिटाएँ';

  @override
  String noneFound(String text) => '“$text” नाम का कोई ग्रिड नहीं है।';

  @override
  String newestValue(String age) => 'नवीनतम मान $age';

  @override
  String get noOpenAlerts => 'कोई खुला अलर्ट नहीं';

  @override
  String openAlerts(int count, Severity severity) => switch (severity) {
    Severity.critical => Intl.plural(
      count,
      locale: 'hi',
      one: '1 गंभीर अलर्ट',
      other: '$count गंभीर अलर्ट',
    ),
    Severity.warning => Intl.plural(
      count,
      locale: 'hi',
      one: '1 चेतावनी',
      other: '$count चेतावनियाँ',
    ),
    Severity.info => Intl.plural(
      count,
      locale: 'hi',
      one: '1 सूचना',
      other: '$count सूचनाएँ',
    ),
  };

  @override
  String devicesConnected(int count, int total) =>
      '$total में से $count उपकरण जुड़े हैं';

  @override
  String get noDevices => 'कोई उपकरण नहीं';
}
