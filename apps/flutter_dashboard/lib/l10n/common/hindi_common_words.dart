import 'package:intl/intl.dart';

import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import 'common_words.dart';

class HindiCommonWords implements CommonWords {
  const HindiCommonWords();

  @override
  String failure(Failure failure) => switch (failure) {
    Unreachable() => 'सर्वर से संपर्क नहीं हो रहा है। अपना कनेक्शन जाँचें।',
    Refused(:final detail) when detail.isNotEmpty => detail,
    Refused(:final status) => 'सर्वर अभी यह नहीं कर सकता ($status)।',
    LoginEnded() => 'आपका लॉगिन समाप्त हो गया है: फिर से लॉगिन करें।',
    Unintelligible() =>
      'सर्वर ने ऐसा जवाब दिया जिसे ऐप का यह संस्करण नहीं समझता।',
  };

  @override
  String get tryAgain => 'फिर कोशिश करें';

  @override
  String get retry => 'फिर कोशिश करें';

  @override
  String get loading => 'लोड हो रहा है';

  @override
  String get cancel => 'रद्द करें';

  @override
  String severityName(Severity severity) => switch (severity) {
    Severity.critical => 'गंभीर',
    Severity.warning => 'चेतावनी',
    Severity.info => 'सूचना',
  };

  @override
  String metricName(Metric metric) => switch (metric) {
    Metric.consumption => 'खपत',
    Metric.generation => 'उत्पादन',
    Metric.stateOfCharge => 'बैटरी',
  };

  @override
  String metricTitle(Metric metric) => switch (metric) {
    Metric.consumption => 'बिजली की खपत',
    Metric.generation => 'बिजली उत्पादन',
    Metric.stateOfCharge => 'बैटरी चार्ज',
  };

  @override
  String freshnessName(Freshness freshness) => switch (freshness) {
    Freshness.live => 'लाइव',
    Freshness.stale => 'पुराना',
    Freshness.unknown => 'अज्ञात',
    Freshness.offline => 'ऑफ़लाइन',
  };

  @override
  String periodName(Period period) => switch (period) {
    Period.hour => '1 घंटा',
    Period.day => '24 घंटे',
    Period.week => '7 दिन',
    Period.month => '30 दिन',
  };

  @override
  String age(Duration age) => switch (age) {
    Duration(inSeconds: < 1) => 'अभी-अभी',
    Duration(inSeconds: < 60 && final seconds) => '$seconds सेकंड पहले',
    Duration(inMinutes: < 60 && final minutes) => '$minutes मिनट पहले',
    Duration(inHours: < 48 && final hours) => Intl.plural(
      hours,
      locale: 'hi',
      one: '1 घंटा पहले',
      other: '$hours घंटे पहले',
    ),
    Duration(inDays: final days) => '$days दिन पहले',
  };
}
