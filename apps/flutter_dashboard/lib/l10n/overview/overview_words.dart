import '../../domain/models/alert.dart';

/// The texts of the overview of several grids.
abstract interface class OverviewWords {
  String get search;
  String get clearSearch;
  String noneFound(String text);

  /// Of several values only the newest has an age here.
  String newestValue(String age);

  String get noOpenAlerts;

  /// For whoever does not see the colour.
  String openAlerts(int count, Severity severity);

  String devicesConnected(int count, int total);
  String get noDevices;
}
