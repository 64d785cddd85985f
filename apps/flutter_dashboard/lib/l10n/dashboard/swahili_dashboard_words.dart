import 'dashboard_words.dart';

class SwahiliDashboardWords implements DashboardWords {
  const SwahiliDashboardWords();

  @override
  String get noGrid => 'Bado hakuna gridi ndogo unayoruhusiwa kuona.';

  @override
  String get chooseGrid => 'Chagua gridi';

  @override
  String get connecting => 'Inaunganisha';

  @override
  String get offline => 'Nje ya mtandao.';

  @override
  String offlineSince(String time) =>
      'Nje ya mtandao. Hivi ndivyo ilivyokuwa $time.';

  @override
  String get alerts => 'Tahadhari';

  @override
  String alertsTitle(int count, {required bool hasMore}) =>
      hasMore ? 'Tahadhari ($count+)' : 'Tahadhari ($count)';

  @override
  String get noAlerts => 'Hakuna tahadhari kwa sasa.';

  @override
  String get alertsNotKnown => 'Bado haijulikani.';

  @override
  String get showFewer => 'Onyesha chache';

  @override
  String showAll(int count) => 'Onyesha zote $count';

  @override
  String acknowledgedBy(String name) => 'imekubaliwa na $name';

  @override
  String get whatToDo => 'Cha kufanya';

  @override
  String get since => 'Tangu';

  @override
  String get device => 'Kifaa';

  @override
  String get acknowledged => 'Imekubaliwa';

  @override
  String whenAndBy(String time, String name) => '$time, na $name';

  @override
  String get now => 'Sasa';

  @override
  String get notActiveAnyMore => 'Haiko tena kati ya tahadhari zilizopo.';

  @override
  String get acknowledge => 'Kubali';

  @override
  String get acknowledging => 'Inakubali…';

  @override
  String notAcknowledged(String why) => 'Haijakubaliwa. $why';
}
