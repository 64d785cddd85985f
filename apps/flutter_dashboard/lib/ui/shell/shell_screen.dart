import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import 'place.dart';
import 'place_bar.dart';

/// The navigation, and the place that is shown.
///
/// A place is built when somebody goes there first. It keeps its state while another one is shown; with
/// `WatchedState` its screen knows that it is not looked at then.
class ShellScreen extends StatefulWidget {
  const ShellScreen({required this.destinations, super.key});

  /// The first one is where everybody begins.
  final List<Destination> destinations;

  /// Go to another place, from one of them. Without such a place, or outside of the navigation, nothing happens.
  static void goTo(BuildContext context, Place place) =>
      context.findAncestorStateOfType<_ShellScreenState>()?._goTo(place);

  @override
  State<ShellScreen> createState() => _ShellScreenState();
}

class _ShellScreenState extends State<ShellScreen> {
  late Place _place = widget.destinations.first.place;
  final _visited = <Place>{};

  // The places stay where they are in the tree: turning the phone must not lose their state.
  final _placesKey = GlobalKey();
  late final _changes = Listenable.merge([
    for (final destination in widget.destinations) destination.isThere,
  ]);

  List<Destination> get _there => [
    for (final destination in widget.destinations)
      if (destination.isThere?.value ?? true) destination,
  ];

  void _goTo(Place place) {
    if (_there.any((destination) => destination.place == place)) {
      setState(() => _place = place);
    }
  }

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: _changes,
    builder: (context, _) => _shell(context, _there),
  );

  Widget _shell(BuildContext context, List<Destination> there) {
    final found = there.indexWhere((one) => one.place == _place);
    final index = found < 0 ? 0 : found;
    final first = there.first.place;
    final current = there[index].place;
    _visited.add(current);
    return PopScope(
      canPop: current == first,
      onPopInvokedWithResult: (didPop, _) {
        if (!didPop) {
          _goTo(first);
        }
      },
      child: _Frame(
        places: [for (final destination in there) destination.place],
        index: index,
        onChosen: _goTo,
        child: Stack(
          key: _placesKey,
          fit: StackFit.expand,
          children: [
            for (final destination in there)
              if (_visited.contains(destination.place))
                _Hideable(
                  key: ValueKey(destination.place),
                  isShown: destination.place == current,
                  child: Builder(builder: destination.build),
                ),
          ],
        ),
      ),
    );
  }
}

/// Something that stays as it is while it is not shown.
class _Hideable extends StatelessWidget {
  const _Hideable({required this.isShown, required this.child, super.key});

  final bool isShown;
  final Widget child;

  @override
  Widget build(BuildContext context) => Offstage(
    offstage: !isShown,
    child: TickerMode(
      enabled: isShown,
      child: ExcludeFocus(excluding: !isShown, child: child),
    ),
  );
}

/// A bar below on an upright phone, a rail at the side where there is more width than height.
class _Frame extends StatelessWidget {
  const _Frame({
    required this.places,
    required this.index,
    required this.onChosen,
    required this.child,
  });

  final List<Place> places;
  final int index;
  final ValueChanged<Place> onChosen;
  final Widget child;

  static const _narrowestWithRail = 600.0;
  static const _lowestWithLabels = 480.0;
  static const _narrowestExtended = 1200.0;

  @override
  Widget build(BuildContext context) {
    final size = MediaQuery.sizeOf(context);
    final words = Words.of(context);
    final hasRail =
        size.width >= _narrowestWithRail || size.width > size.height;
    if (places.length < 2) {
      return child;
    }
    if (!hasRail) {
      return Scaffold(
        body: child,
        bottomNavigationBar: PlaceBar(
          places: places,
          current: places[index],
          onChosen: onChosen,
        ),
      );
    }
    final isExtended = size.width >= _narrowestExtended;
    final isLow = size.height < _lowestWithLabels;
    return Scaffold(
      body: Row(
        children: [
          SafeArea(
            right: false,
            child: NavigationRail(
              scrollable: true,
              extended: isExtended,
              labelType: isExtended
                  ? NavigationRailLabelType.none
                  : isLow
                  ? NavigationRailLabelType.selected
                  : NavigationRailLabelType.all,
              selectedIndex: index,
              onDestinationSelected: (chosen) => onChosen(places[chosen]),
              destinations: [
                for (final place in places)
                  NavigationRailDestination(
                    padding: EdgeInsets.symmetric(vertical: isLow ? 4 : 0),
                    icon: Icon(place.icon),
                    selectedIcon: Icon(place.selectedIcon),
                    label: Text(place.title(words)),
                  ),
              ],
            ),
          ),
          const VerticalDivider(width: 1),
          Expanded(
            child: MediaQuery.removePadding(
              context: context,
              removeLeft: true,
              child: child,
            ),
          ),
        ],
      ),
    );
  }
}
