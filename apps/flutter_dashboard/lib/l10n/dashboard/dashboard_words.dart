/// The texts of the dashboard, without its chart.
abstract interface class DashboardWords {
  String get noGrid;
  String get chooseGrid;

  // Whether the server is heard.
  String get connecting;
  String get offline;
  String offlineSince(String time);

  // The alerts.
  String get alerts;

  /// [hasMore]: there are more than the [count] that are here.
  String alertsTitle(int count, {required bool hasMore});

  String get noAlerts;
  String get alertsNotKnown;
  String get showFewer;
  String showAll(int count);
  String acknowledgedBy(String name);

  // An alert by itself.
  String get whatToDo;
  String get since;
  String get device;
  String get acknowledged;
  String whenAndBy(String time, String name);
  String get now;
  String get notActiveAnyMore;
  String get acknowledge;
  String get acknowledging;
  String notAcknowledged(String why);
}
