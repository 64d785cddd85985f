import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';

/// The texts that many screens have.
abstract interface class CommonWords {
  /// What is wrong, and what to do about it.
  String failure(Failure failure);

  String get tryAgain;
  String get retry;
  String get loading;
  String get cancel;
  String severityName(Severity severity);

  /// Short, as on a button.
  String metricName(Metric metric);

  /// The title of a figure.
  String metricTitle(Metric metric);

  String freshnessName(Freshness freshness);
  String periodName(Period period);

  /// How long ago something was.
  String age(Duration age);
}
