import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import 'common_words.dart';

class SwahiliCommonWords implements CommonWords {
  const SwahiliCommonWords();

  @override
  String failure(Failure failure) => switch (failure) {
    Unreachable() => 'Seva haipatikani. Angalia muunganisho wako.',
    Refused(:final detail) when detail.isNotEmpty => detail,
    Refused(:final status) => 'Seva haiwezi kufanya hivi kwa sasa ($status).',
    LoginEnded() => 'Umeondolewa: ingia tena.',
    Unintelligible() =>
      'Seva imetoa jibu ambalo toleo hili la programu halielewi.',
  };

  @override
  String get tryAgain => 'Jaribu tena';

  @override
  String get retry => 'Jaribu tena';

  @override
  String get loading => 'Inapakia';

  @override
  String get cancel => 'Ghairi';

  @override
  String severityName(Severity severity) => switch (severity) {
    Severity.critical => 'Hatari',
    Severity.warning => 'Onyo',
    Severity.info => 'Taarifa',
  };

  @override
  String metricName(Metric metric) => switch (metric) {
    Metric.consumption => 'Matumizi',
    Metric.generation => 'Uzalishaji',
    Metric.stateOfCharge => 'Betri',
  };

  @override
  String metricTitle(Metric metric) => switch (metric) {
    Metric.consumption => 'Matumizi ya umeme',
    Metric.generation => 'Uzalishaji',
    Metric.stateOfCharge => 'Chaji ya betri',
  };

  @override
  String freshnessName(Freshness freshness) => switch (freshness) {
    Freshness.live => 'Hai',
    Freshness.stale => 'Ya zamani',
    Freshness.unknown => 'Haijulikani',
    Freshness.offline => 'Nje ya mtandao',
  };

  @override
  String periodName(Period period) => switch (period) {
    Period.hour => 'Saa 1',
    Period.day => 'Saa 24',
    Period.week => 'Siku 7',
    Period.month => 'Siku 30',
  };

  @override
  String age(Duration age) => switch (age) {
    Duration(inSeconds: < 1) => 'sasa hivi',
    Duration(inSeconds: < 60 && final seconds) => Intl.plural(
      seconds,
      locale: 'sw',
      one: 'sek 1 iliyopita',
      other: 'sek $seconds zilizopita',
    ),
    Duration(inMinutes: < 60 && final minutes) => Intl.plural(
      minutes,
      locale: 'sw',
      one: 'dak 1 iliyopita',
      other: 'dak $minutes zilizopita',
    ),
    Duration(inHours: < 48 && final hours) => Intl.plural(
      hours,
      locale: 'sw',
      one: 'saa 1 iliyopita',
      other: 'saa $hours zilizopita',
    ),
    Duration(inDays: final days) => 'siku $days zilizopita',
  };
}
