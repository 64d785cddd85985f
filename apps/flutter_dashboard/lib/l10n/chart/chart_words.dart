import '../../domain/models/history.dart';

/// The texts of charts.
abstract interface class ChartWords {
  String get trends;
  String get choosePeriod;
  String get loading;
  String nothingMeasured(Period period);
  String notUpToDate(String why);

  /// A [value] with its unit, and [when] it was.
  String valueAt(String value, String when);

  String get withoutValues;

  /// [highest] has the unit.
  String description(String title, String lowest, String highest);
}
