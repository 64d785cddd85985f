/// The names of the places that one can go to.
abstract interface class ShellWords {
  String get dashboard;
  String get grids;
  String get alerts;
  String get devices;
  String get energy;
  String get settings;

  /// Of the places that have no room of their own.
  String get more;
}
