import '../config/dependencies.dart';
import '../config/version.dart';
import '../ui/dashboard/dashboard_screen.dart';
import '../ui/dashboard/dashboard_view_model.dart';
import '../ui/dashboard/trends_view_model.dart';
import '../ui/overview/overview_screen.dart';
import '../ui/overview/overview_view_model.dart';
import '../ui/settings/settings_screen.dart';
import '../ui/settings/settings_view_model.dart';
import '../ui/shell/place.dart';
import '../ui/shell/shell_screen.dart';

/// The places of the app; a new screen adds its line.
List<Destination> destinationsOn(Dependencies on) => [
  Destination(
    Place.dashboard,
    (context) => DashboardScreen(
      makeDashboard: () => DashboardViewModel(
        grids: on.grids,
        alerts: on.alerts,
        selectedGrid: on.selectedGrid,
        saveLastKnown: on.saveLastKnown,
        now: on.now,
      ),
      makeTrends: () =>
          TrendsViewModel(histories: on.histories, share: on.share),
    ),
  ),
  Destination(
    Place.grids,
    (context) => OverviewScreen(
      makeViewModel: () => OverviewViewModel(
        overviews: on.overviews,
        selectedGrid: on.selectedGrid,
        now: on.now,
      ),
      onChosen: () => ShellScreen.goTo(context, Place.dashboard),
    ),
    isThere: on.grids.areSeveral,
  ),
  Destination(Place.settings, (context) => settingsOn(on)),
];

/// The settings, which are there before the login too.
SettingsScreen settingsOn(Dependencies on) => SettingsScreen(
  makeViewModel: () => SettingsViewModel(
    settings: on.settings,
    auth: on.auth,
    actions: on.actions,
    version: appVersion,
  ),
);
