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

  /// Show several metrics at once.
  String get compare;

  String get zoomIn;
  String get zoomOut;

  /// Zoom out to all of the period.
  String get showAll;

  String get fullScreen;
  String get export;
  String get exportTable;
  String get exportPicture;
  String savedAs(String path);
  String get notSaved;

  /// In place of a value, in a gap.
  String get nothingThere;

  String get loadingDetail;
  String noDetail(String why);

  /// A curve in words; [highest] and [newest] have the unit, and [newest] its time.
  String summary({
    required String title,
    required String lowest,
    required String highest,
    required String newest,
    required int gaps,
  });
}
