import 'dashboard_words.dart';

class EnglishDashboardWords implements DashboardWords {
  const EnglishDashboardWords();

  @override
  String get noGrid => 'There is no microgrid that you may see yet.';

  @override
  String get chooseGrid => 'Choose a grid';

  @override
  String get connecting => 'Connecting';

  @override
  String get offline => 'Offline.';

  @override
  String offlineSince(String time) => 'Offline. This is how it was at $time.';

  @override
  String get alerts => 'Alerts';

  @override
  String alertsTitle(int count, {required bool hasMore}) =>
      hasMore ? 'Alerts ($count+)' : 'Alerts ($count)';

  @override
  String get noAlerts => 'No active alerts.';

  @override
  String get alertsNotKnown => 'Not known yet.';

  @override
  String get showFewer => 'Show fewer';

  @override
  String showAll(int count) => 'Show all $count';

  @override
  String acknowledgedBy(String name) => 'acknowledged by $name';

  @override
  String get whatToDo => 'What to do';

  @override
  String get since => 'Since';

  @override
  String get device => 'Device';

  @override
  String get acknowledged => 'Acknowledged';

  @override
  String whenAndBy(String time, String name) => '$time, by $name';

  @override
  String get now => 'Now';

  @override
  String get notActiveAnyMore => 'It is not among the active alerts any more.';

  @override
  String get acknowledge => 'Acknowledge';

  @override
  String get acknowledging => 'Acknowledging…';

  @override
  String notAcknowledged(String why) => 'Not acknowledged. $why';
}
