import 'dart:async';

import 'package:flutter/foundation.dart';

import '../../data/repositories/overview_repository.dart';
import '../../data/repositories/selected_grid.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/grid_standing.dart';
import '../../domain/result.dart';

/// How all grids stand, the worst first, asked for again and again while somebody looks.
class OverviewViewModel extends ChangeNotifier {
  OverviewViewModel({
    required OverviewRepository overviews,
    required SelectedGrid selectedGrid,
    DateTime Function() now = DateTime.now,
  }) : _overviews = overviews,
       _selectedGrid = selectedGrid,
       _now = now {
    _take(_overviews.lastKnown());
  }

  final OverviewRepository _overviews;
  final SelectedGrid _selectedGrid;
  final DateTime Function() _now;

  Overview? _overview;
  List<GridStanding> _sorted = const [];
  String _search = '';
  Failure? _failure;
  bool _wasHeard = false;
  bool _isRefreshing = false;
  bool _isWatched = false;
  bool _isDisposed = false;
  Timer? _next;
  Timer? _tick;

  /// Between two questions: an overview of thousands of grids is a large answer.
  static const pollEvery = Duration(seconds: 15);

  /// With more grids than this, one looks for a name.
  static const mostWithoutSearch = 8;

  /// The present, every second: ages are shown by it.
  late final ValueNotifier<DateTime> now = ValueNotifier(_now());

  /// Null while nothing is known.
  Overview? get overview => _overview;

  /// Why the last attempt failed; null when it did not.
  Failure? get failure => _failure;

  /// Whether the server has not answered yet since the screen was opened.
  bool get isConnecting => !_wasHeard && _failure == null;

  String get search => _search;

  bool get canSearch => _sorted.length > mostWithoutSearch;

  /// What is to be shown.
  List<GridStanding> get grids {
    final wanted = _search.trim().toLowerCase();
    return wanted.isEmpty
        ? _sorted
        : _sorted
              .where(
                (grid) =>
                    grid.name.toLowerCase().contains(wanted) ||
                    grid.gridId.toLowerCase().contains(wanted),
              )
              .toList();
  }

  Freshness freshness(GridStanding grid, DateTime at) => freshnessOf(
    grid.newest,
    isOnline: _wasHeard && _failure is! Unreachable,
    now: at,
  );

  void searchFor(String text) {
    if (text != _search) {
      _search = text;
      notifyListeners();
    }
  }

  /// Make a grid the one that the other screens are about.
  void choose(GridStanding grid) => _selectedGrid.choose(grid.gridId);

  /// Somebody looks: ask now, and again.
  void watch() {
    _isWatched = true;
    now.value = _now();
    _tick?.cancel();
    _tick = Timer.periodic(
      const Duration(seconds: 1),
      (_) => now.value = _now(),
    );
    unawaited(refresh());
  }

  /// Nobody looks.
  void leave() {
    _isWatched = false;
    _next?.cancel();
    _tick?.cancel();
  }

  /// Ask now; nothing more happens while that goes on.
  Future<void> refresh() async {
    if (_isRefreshing || _isDisposed) {
      return;
    }
    _next?.cancel();
    _isRefreshing = true;
    final result = await _overviews.overview();
    _isRefreshing = false;
    if (_isDisposed) {
      return;
    }
    switch (result) {
      case Ok(:final value):
        _wasHeard = true;
        _failure = null;
        _take(value);
      case Failed(:final failure):
        _failure = failure;
    }
    now.value = _now();
    notifyListeners();
    if (_isWatched) {
      _next = Timer(pollEvery, () => unawaited(refresh()));
    }
  }

  void _take(Overview? overview) {
    if (overview != null) {
      _overview = overview;
      _sorted = [...overview.grids]..sort(GridStanding.worstFirst(_now()));
    }
  }

  @override
  void dispose() {
    _isDisposed = true;
    leave();
    now.dispose();
    super.dispose();
  }
}
