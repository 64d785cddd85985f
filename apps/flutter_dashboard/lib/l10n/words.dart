import 'package:flutter/widgets.dart';

import '../domain/models/language.dart';
import 'auth/auth_words.dart';
import 'chart/chart_words.dart';
import 'common/common_words.dart';
import 'dashboard/dashboard_words.dart';
import 'formats.dart';
import 'overview/overview_words.dart';
import 'settings/settings_words.dart';
import 'shell/shell_words.dart';

/// Every text of the app in one language, by the areas of the app.
///
/// A new text goes into the interface of its area, `lib/l10n/<area>/<area>_words.dart`, and so into all languages: the
/// compiler insists. A new area is a field here, and a line for each language in `words_delegate.dart`.
class Words {
  Words({
    required this.language,
    required this.auth,
    required this.chart,
    required this.common,
    required this.dashboard,
    required this.overview,
    required this.settings,
    required this.shell,
  }) : formats = Formats(language.code);

  /// In the language that the app is shown in.
  static Words of(BuildContext context) =>
      Localizations.of<Words>(context, Words)!;

  /// Not translated.
  static const appName = 'Microgrid';

  final Language language;

  /// How numbers and times are written.
  final Formats formats;

  final AuthWords auth;
  final ChartWords chart;
  final CommonWords common;
  final DashboardWords dashboard;
  final OverviewWords overview;
  final SettingsWords settings;
  final ShellWords shell;

  Locale get locale => Locale(language.code);
}
