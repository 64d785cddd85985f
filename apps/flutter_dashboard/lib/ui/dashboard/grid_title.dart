import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import '../shell/place.dart';
import '../shell/shell_screen.dart';
import 'dashboard_view_model.dart';

/// The name of the grid; of several, with a way to another one.
class GridTitle extends StatelessWidget {
  const GridTitle(this._dashboard, {super.key});

  final DashboardViewModel _dashboard;

  /// More than these are too many for a menu: the overview has them all.
  static const _mostInMenu = 8;

  @override
  Widget build(BuildContext context) {
    final grids = _dashboard.grids;
    final name =
        _dashboard.summary?.name ??
        grids
            .where((grid) => grid.id == _dashboard.gridId)
            .map((grid) => grid.name)
            .firstOrNull ??
        Words.appName;
    if (grids.length < 2) {
      return Text(name);
    }
    final title = ConstrainedBox(
      constraints: const BoxConstraints(minHeight: kToolbarHeight),
      child: Row(
        mainAxisSize: MainAxisSize.min,
        children: [
          Flexible(child: Text(name, overflow: TextOverflow.ellipsis)),
          const Icon(Icons.arrow_drop_down),
        ],
      ),
    );
    final tooltip = Words.of(context).dashboard.chooseGrid;
    if (grids.length > _mostInMenu) {
      return Tooltip(
        message: tooltip,
        child: InkWell(
          onTap: () => ShellScreen.goTo(context, Place.grids),
          child: title,
        ),
      );
    }
    return PopupMenuButton<String>(
      tooltip: tooltip,
      initialValue: _dashboard.gridId,
      onSelected: (gridId) => unawaited(_dashboard.showGrid(gridId)),
      itemBuilder: (context) => [
        for (final grid in grids)
          PopupMenuItem(value: grid.id, child: Text(grid.name)),
      ],
      child: title,
    );
  }
}
