import 'package:flutter/widgets.dart';
import 'package:flutter_localizations/flutter_localizations.dart';

import '../domain/models/language.dart';
import 'auth/english_auth_words.dart';
import 'auth/french_auth_words.dart';
import 'auth/hindi_auth_words.dart';
import 'auth/spanish_auth_words.dart';
import 'auth/swahili_auth_words.dart';
import 'chart/english_chart_words.dart';
import 'chart/french_chart_words.dart';
import 'chart/hindi_chart_words.dart';
import 'chart/spanish_chart_words.dart';
import 'chart/swahili_chart_words.dart';
import 'common/english_common_words.dart';
import 'common/french_common_words.dart';
import 'common/hindi_common_words.dart';
import 'common/spanish_common_words.dart';
import 'common/swahili_common_words.dart';
import 'dashboard/english_dashboard_words.dart';
import 'dashboard/french_dashboard_words.dart';
import 'dashboard/hindi_dashboard_words.dart';
import 'dashboard/spanish_dashboard_words.dart';
import 'dashboard/swahili_dashboard_words.dart';
import 'overview/english_overview_words.dart';
import 'overview/french_overview_words.dart';
import 'overview/hindi_overview_words.dart';
import 'overview/spanish_overview_words.dart';
import 'overview/swahili_overview_words.dart';
import 'settings/english_settings_words.dart';
import 'settings/french_settings_words.dart';
import 'settings/hindi_settings_words.dart';
import 'settings/spanish_settings_words.dart';
import 'settings/swahili_settings_words.dart';
import 'shell/english_shell_words.dart';
import 'shell/french_shell_words.dart';
import 'shell/hindi_shell_words.dart';
import 'shell/spanish_shell_words.dart';
import 'shell/swahili_shell_words.dart';
import 'words.dart';

/// Loads the texts of the app, beside those that Flutter's own widgets have.
class WordsDelegate extends LocalizationsDelegate<Words> {
  const WordsDelegate();

  /// All that the app needs.
  static const all = <LocalizationsDelegate<dynamic>>[
    WordsDelegate(),
    ...GlobalMaterialLocalizations.delegates,
  ];

  /// In which the app can be shown; the first one where the phone speaks none of them.
  static final locales = [
    for (final language in Language.values) Locale(language.code),
  ];

  @override
  bool isSupported(Locale locale) =>
      Language.ofCode(locale.languageCode) != null;

  // Flutter's own texts bring the names of the months.
  @override
  Future<Words> load(Locale locale) => GlobalMaterialLocalizations.delegate
      .load(locale)
      .then((_) => wordsIn(Language.ofCode(locale.languageCode)!));

  @override
  bool shouldReload(WordsDelegate old) => false;
}

/// The texts of a language. The names of months of others than English are there once the delegate has loaded it.
Words wordsIn(Language language) => switch (language) {
  Language.english => Words(
    language: language,
    auth: const EnglishAuthWords(),
    chart: const EnglishChartWords(),
    common: const EnglishCommonWords(),
    dashboard: const EnglishDashboardWords(),
    overview: const EnglishOverviewWords(),
    settings: const EnglishSettingsWords(),
    shell: const EnglishShellWords(),
  ),
  Language.french => Words(
    language: language,
    auth: const FrenchAuthWords(),
    chart: const FrenchChartWords(),
    common: const FrenchCommonWords(),
    dashboard: const FrenchDashboardWords(),
    overview: const FrenchOverviewWords(),
    settings: const FrenchSettingsWords(),
    shell: const FrenchShellWords(),
  ),
  Language.spanish => Words(
    language: language,
    auth: const SpanishAuthWords(),
    chart: const SpanishChartWords(),
    common: const SpanishCommonWords(),
    dashboard: const SpanishDashboardWords(),
    overview: const SpanishOverviewWords(),
    settings: const SpanishSettingsWords(),
    shell: const SpanishShellWords(),
  ),
  Language.swahili => Words(
    language: language,
    auth: const SwahiliAuthWords(),
    chart: const SwahiliChartWords(),
    common: const SwahiliCommonWords(),
    dashboard: const SwahiliDashboardWords(),
    overview: const SwahiliOverviewWords(),
    settings: const SwahiliSettingsWords(),
    shell: const SwahiliShellWords(),
  ),
  Language.hindi => Words(
    language: language,
    auth: const HindiAuthWords(),
    chart: const HindiChartWords(),
    common: const HindiCommonWords(),
    dashboard: const HindiDashboardWords(),
    overview: const HindiOverviewWords(),
    settings: const HindiSettingsWords(),
    shell: const HindiShellWords(),
  ),
};
