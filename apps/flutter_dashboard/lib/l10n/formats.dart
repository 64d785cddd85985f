import 'package:intl/intl.dart';

import '../domain/models/metric.dart';

/// How numbers and times are written in a language. Clocks have 24 hours, as in the reports.
class Formats {
  Formats(String languageCode)
    : _languageCode = languageCode,
      _clock = DateFormat('HH:mm', languageCode),
      _seconds = DateFormat('HH:mm:ss', languageCode),
      _day = DateFormat('d MMM', languageCode),
      _exact = DateFormat('d MMM y, HH:mm:ss', languageCode);

  final String _languageCode;
  final DateFormat _clock;
  final DateFormat _seconds;
  final DateFormat _day;
  final DateFormat _exact;

  /// With so many digits behind the point, or the comma.
  String number(double value, {int digits = 0}) =>
      (NumberFormat.decimalPattern(_languageCode)
            ..minimumFractionDigits = digits
            ..maximumFractionDigits = digits)
          .format(value);

  /// A value as it is read, without its unit: powers with one digit behind the point, per cent without.
  String value(Metric metric, double value) => switch (metric) {
    Metric.stateOfCharge => number(value),
    _ => number(value, digits: value.abs() < 100 ? 1 : 0),
  };

  /// The hour and minute of a time, on the clock of this device.
  String clock(DateTime time) => _clock.format(time.toLocal());

  /// The same to the second.
  String clockWithSeconds(DateTime time) => _seconds.format(time.toLocal());

  /// The day and month of a time.
  String day(DateTime time) => _day.format(time.toLocal());

  /// When something was: the time, and the day unless that is today.
  String time(DateTime time, {required DateTime now}) {
    final local = time.toLocal();
    final today = now.toLocal();
    final isToday =
        local.year == today.year &&
        local.month == today.month &&
        local.day == today.day;
    return isToday ? clock(time) : '${day(time)}, ${clock(time)}';
  }

  /// The same to the second, with the day and the year.
  String exactTime(DateTime time) => _exact.format(time.toLocal());
}
