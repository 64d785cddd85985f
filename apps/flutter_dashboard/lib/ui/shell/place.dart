import 'package:flutter/foundation.dart';
import 'package:flutter/material.dart';

import '../../l10n/words.dart';

/// The places of the navigation, in their order.
enum Place {
  dashboard(Icons.space_dashboard_outlined, Icons.space_dashboard),
  grids(Icons.holiday_village_outlined, Icons.holiday_village),
  alerts(Icons.notifications_outlined, Icons.notifications),
  devices(Icons.developer_board_outlined, Icons.developer_board),
  energy(Icons.bolt_outlined, Icons.bolt),
  settings(Icons.settings_outlined, Icons.settings);

  const Place(this.icon, this.selectedIcon);

  final IconData icon;
  final IconData selectedIcon;

  String title(Words words) => switch (this) {
    Place.dashboard => words.shell.dashboard,
    Place.grids => words.shell.grids,
    Place.alerts => words.shell.alerts,
    Place.devices => words.shell.devices,
    Place.energy => words.shell.energy,
    Place.settings => words.shell.settings,
  };
}

/// A place that has a screen.
class Destination {
  const Destination(this.place, this.build, {this.isThere});

  final Place place;
  final WidgetBuilder build;

  /// Whether this user has it; null when everybody does.
  final ValueListenable<bool>? isThere;
}
