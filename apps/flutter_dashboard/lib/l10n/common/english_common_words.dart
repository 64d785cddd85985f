import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import 'common_words.dart';

class EnglishCommonWords implements CommonWords {
  const EnglishCommonWords();

  @override
  String failure(Failure failure) => switch (failure) {
    Unreachable() => 'The server cannot be reached. Check your connection.',
    Refused(:final detail) when detail.isNotEmpty => detail,
    Refused(:final status) => 'The server cannot do this right now ($status).',
    LoginEnded() => 'Your login has ended: sign in again.',
    Unintelligible() => 'The server gave an answer that this version of the app does not understand.',
  };

  @override
  String get tryAgain => 'Try again';

  @override
  String get retry => 'Retry';

  @override
  String get loading => 'Loading';

  @override
  String get cancel => 'Cancel';

  @override
  String severityName(Severity severity) => switch (severity) {
    Severity.critical => 'Critical',
    Severity.warning => 'Warning',
    Severity.info => 'Info',
  };

  @override
  String metricName(Metric metric) => switch (metric) {
    Metric.consumption => 'Consumption',
    Metric.generation => 'Generation',
    Metric.stateOfCharge => 'SoC',
  };

  @override
  String metricTitle(Metric metric) => switch (metric) {
    Metric.consumption => 'Power consumption',
    Metric.generation => 'Generation',
    Metric.stateOfCharge => 'Battery state of charge',
  };

  @override
  String freshnessName(Freshness freshness) => switch (freshness) {
    Freshness.live => 'Live',
    Freshness.stale => 'Stale',
    Freshness.unknown => 'Unknown',
    Freshness.offline => 'Offline',
  };

  @override
  String periodName(Period period) => switch (period) {
    Period.hour => '1 hour',
    Period.day => '24 hours',
    Period.week => '7 days',
    Period.month => '30 days',
  };

  @override
  String age(Duration age) => switch (age) {
    Duration(inSeconds: < 1) => 'just now',
    Duration(inSeconds: < 60 && final seconds) => '$seconds s ago',
    Duration(inMinutes: < 60 && final minutes) => '$minutes min ago',
    Duration(inHours: < 48 && final hours) => '$hours h ago',
    Duration(inDays: final days) => '$days days ago',
  };
}
