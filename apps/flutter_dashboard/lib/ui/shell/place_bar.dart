import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import 'place.dart';

/// The navigation of an upright phone.
class PlaceBar extends StatelessWidget {
  const PlaceBar({
    required this.places,
    required this.current,
    required this.onChosen,
    super.key,
  });

  final List<Place> places;
  final Place current;
  final ValueChanged<Place> onChosen;

  /// Where there are more, the last ones are behind a button.
  static const _most = 5;

  /// As Flutter limits it in such a bar.
  static const _largestText = 1.3;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    final isTooMany = places.length > _most;
    final shown = isTooMany ? places.take(_most - 1).toList() : places;
    final names = [
      for (final place in shown) place.title(words),
      if (isTooMany) words.shell.more,
    ];
    final index = shown.indexOf(current);
    return NavigationBar(
      selectedIndex: index < 0 ? shown.length : index,
      labelBehavior: _fit(context, names)
          ? NavigationDestinationLabelBehavior.alwaysShow
          : NavigationDestinationLabelBehavior.alwaysHide,
      onDestinationSelected: (chosen) => chosen < shown.length
          ? onChosen(shown[chosen])
          : unawaited(_showMore(context, places.skip(shown.length))),
      destinations: [
        for (final place in shown)
          NavigationDestination(
            icon: Icon(place.icon),
            selectedIcon: Icon(place.selectedIcon),
            label: place.title(words),
          ),
        if (isTooMany)
          NavigationDestination(
            icon: const Icon(Icons.more_horiz),
            label: words.shell.more,
          ),
      ],
    );
  }

  /// Whether every name has room: half a word says less than the icon alone, which screen readers name all the same.
  bool _fit(BuildContext context, List<String> names) {
    final room = MediaQuery.sizeOf(context).width / names.length;
    final painter = TextPainter(
      textDirection: Directionality.of(context),
      textScaler: MediaQuery.textScalerOf(context)
          .clamp(maxScaleFactor: _largestText),
      maxLines: 1,
    );
    final style = Theme.of(context).textTheme.labelMedium;
    final fits = names.every((name) {
      painter
        ..text = TextSpan(text: name, style: style)
        ..layout();
      return painter.width <= room;
    });
    painter.dispose();
    return fits;
  }

  Future<void> _showMore(BuildContext context, Iterable<Place> places) async {
    final words = Words.of(context);
    final chosen = await showModalBottomSheet<Place>(
      context: context,
      showDragHandle: true,
      isScrollControlled: true,
      useSafeArea: true,
      builder: (context) => SingleChildScrollView(
        padding: const EdgeInsets.only(bottom: 16),
        child: Column(
          mainAxisSize: MainAxisSize.min,
          children: [
            for (final place in places)
              ListTile(
                leading: Icon(
                  place == current ? place.selectedIcon : place.icon,
                ),
                title: Text(place.title(words)),
                selected: place == current,
                onTap: () => Navigator.pop(context, place),
              ),
          ],
        ),
      ),
    );
    if (chosen != null) {
      onChosen(chosen);
    }
  }
}
