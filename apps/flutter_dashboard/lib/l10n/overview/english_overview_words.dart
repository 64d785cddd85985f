import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import 'overview_words.dart';

class EnglishOverviewWords implements OverviewWords {
  const EnglishOverviewWords();

  @override
  String get search => 'Search';

  @override
  String get clearSearch => 'Clear the search';

  @override
  String noneFound(String text) => 'No grid is named “$text”.';

  @override
  String newestValue(String age) => 'newest value $age';

  @override
  String get noOpenAlerts => 'No open alerts';

  @override
  String openAlerts(int count, Severity severity) => switch (severity) {
    Severity.critical => Intl.plural(
      count,
      locale: 'en',
      one: '1 critical alert',
      other: '$count critical alerts',
    ),
    Severity.warning => Intl.plural(
      count,
      locale: 'en',
      one: '1 warning',
      other: '$count warnings',
    ),
    Severity.info => Intl.plural(
      count,
      locale: 'en',
      one: '1 info',
      other: '$count infos',
    ),
  };

  @override
  String devicesConnected(int count, int total) =>
      '$count of $total devices connected';

  @override
  String get noDevices => 'No devices';
}
