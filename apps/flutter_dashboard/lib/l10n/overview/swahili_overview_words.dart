import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import 'overview_words.dart';

class SwahiliOverviewWords implements OverviewWords {
  const SwahiliOverviewWords();

  @override
  String get search => 'Tafuta';

  @override
  String get clearSearch => 'Futa utafutaji';

  @override
  String noneFound(String text) => 'Hakuna gridi inayoitwa “$text”.';

  @override
  String newestValue(String age) => 'thamani mpya zaidi $age';

  @override
  String get noOpenAlerts => 'Hakuna tahadhari';

  @override
  String openAlerts(int count, Severity severity) => switch (severity) {
    Severity.critical => Intl.plural(
      count,
      locale: 'sw',
      one: 'Tahadhari 1 ya hatari',
      other: 'Tahadhari $count za hatari',
    ),
    Severity.warning => Intl.plural(
      count,
      locale: 'sw',
      one: 'Onyo 1',
      other: 'Maonyo $count',
    ),
    Severity.info => Intl.plural(
      count,
      locale: 'sw',
      one: 'Taarifa 1',
      other: 'Taarifa $count',
    ),
  };

  @override
  String devicesConnected(int count, int total) =>
      'Vifaa $count kati ya $total vimeunganishwa';

  @override
  String get noDevices => 'Hakuna vifaa';
}
