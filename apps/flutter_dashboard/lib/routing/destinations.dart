import '../config/dependencies.dart';
import '../ui/dashboard/dashboard_screen.dart';
import '../ui/dashboard/dashboard_view_model.dart';
import '../ui/dashboard/trends_view_model.dart';
import '../ui/shell/place.dart';

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
        signOut: on.auth.signOut,
        now: on.now,
      ),
      makeTrends: () => TrendsViewModel(histories: on.histories),
    ),
  ),
];
