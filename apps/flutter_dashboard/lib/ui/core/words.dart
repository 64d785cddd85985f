import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';

/// What is wrong, and what to do about it.
String failureWords(Failure failure) => switch (failure) {
  Unreachable() => 'The server cannot be reached. Check your connection.',
  Refused(:final detail) when detail.isNotEmpty => detail,
  Refused(:final status) => 'The server cannot do this right now ($status).',
  LoginEnded() => 'Your login has ended: sign in again.',
  Unintelligible() => 'The server gave an answer that this version of the app does not understand.',
};

String severityName(Severity severity) => switch (severity) {
  Severity.critical => 'Critical',
  Severity.warning => 'Warning',
  Severity.info => 'Info',
};

String metricName(Metric metric) => switch (metric) {
  Metric.consumption => 'Consumption',
  Metric.generation => 'Generation',
  Metric.stateOfCharge => 'SoC',
};

/// The title of a figure.
String metricTitle(Metric metric) => switch (metric) {
  Metric.consumption => 'Power consumption',
  Metric.generation => 'Generation',
  Metric.stateOfCharge => 'Battery state of charge',
};

String freshnessName(Freshness freshness) => switch (freshness) {
  Freshness.live => 'Live',
  Freshness.stale => 'Stale',
  Freshness.unknown => 'Unknown',
  Freshness.offline => 'Offline',
};

String periodName(Period period) => switch (period) {
  Period.hour => '1 hour',
  Period.day => '24 hours',
  Period.week => '7 days',
  Period.month => '30 days',
};

/// How long ago something was.
String ageWords(Duration age) => switch (age) {
  Duration(inSeconds: < 1) => 'just now',
  Duration(inSeconds: < 60 && final seconds) => '$seconds s ago',
  Duration(inMinutes: < 60 && final minutes) => '$minutes min ago',
  Duration(inHours: < 48 && final hours) => '$hours h ago',
  Duration(inDays: final days) => '$days days ago',
};

/// A value as it is read: powers with one digit behind the point, per cent without.
String valueWords(Metric metric, double value) => switch (metric) {
  Metric.stateOfCharge => value.toStringAsFixed(0),
  _ => value.toStringAsFixed(value.abs() < 100 ? 1 : 0),
};

/// The hour and minute of a time, on the clock of this device.
String clockWords(DateTime time) {
  final local = time.toLocal();
  return '${_two(local.hour)}:${_two(local.minute)}';
}

/// The day and month of a time.
String dayWords(DateTime time) {
  final local = time.toLocal();
  return '${local.day} ${_months[local.month - 1]}';
}

/// When something was: the time, and the day unless that is today.
String timeWords(DateTime time, {required DateTime now}) {
  final local = time.toLocal();
  final today = now.toLocal();
  final isToday =
      local.year == today.year &&
      local.month == today.month &&
      local.day == today.day;
  return isToday ? clockWords(time) : '${dayWords(time)}, ${clockWords(time)}';
}

/// The same to the second, with the day.
String exactTimeWords(DateTime time) =>
    '${dayWords(time)} ${time.toLocal().year}, ${clockWords(time)}:${_two(time.toLocal().second)}';

String _two(int number) => number.toString().padLeft(2, '0');

const _months = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
];
