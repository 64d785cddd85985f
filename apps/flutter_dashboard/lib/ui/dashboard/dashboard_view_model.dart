import 'dart:async';
import 'dart:math';

import 'package:flutter/foundation.dart';

import '../../data/repositories/alert_repository.dart';
import '../../data/repositories/grid_repository.dart';
import '../../data/repositories/selected_grid.dart';
import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/grid_summary.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';

/// Whether the server is heard.
enum Link {
  /// It has not answered yet since the app was opened.
  connecting,
  online,
  offline,
}

/// How a grid stands right now: its alerts and key figures, asked for again and again.
class DashboardViewModel extends ChangeNotifier {
  DashboardViewModel({
    required GridRepository grids,
    required AlertRepository alerts,
    required SelectedGrid selectedGrid,
    required Future<void> Function() saveLastKnown,
    DateTime Function() now = DateTime.now,
    Random? random,
  }) : _gridRepository = grids,
       _alertRepository = alerts,
       _selectedGrid = selectedGrid,
       _saveLastKnown = saveLastKnown,
       _now = now,
       _random = random ?? Random.secure() {
    _selectedGrid.addListener(_followSelection);
  }

  final GridRepository _gridRepository;
  final AlertRepository _alertRepository;
  final SelectedGrid _selectedGrid;
  final Future<void> Function() _saveLastKnown;
  final DateTime Function() _now;
  final Random _random;

  List<Grid> _grids = const [];
  String? _gridId;
  GridSummary? _summary;
  ActiveAlerts? _alerts;
  Failure? _failure;
  Link _link = Link.connecting;
  bool _isRefreshing = false;
  bool _isPaused = false;
  bool _isDisposed = false;
  bool _knowsGrids = false;
  int _failures = 0;
  int _changes = 0;
  Timer? _next;
  Timer? _tick;
  final _acknowledging = <String>{};

  /// Time between two questions while the server answers.
  static const pollEvery = Duration(seconds: 5);

  /// The longest time between two attempts while it does not.
  static const longestWait = Duration(seconds: 30);

  /// The present, every second: ages are shown by it.
  late final ValueNotifier<DateTime> now = ValueNotifier(_now());

  List<Grid> get grids => List.unmodifiable(_grids);
  String? get gridId => _gridId;

  /// Null while nothing is known.
  GridSummary? get summary => _summary;
  ActiveAlerts? get alerts => _alerts;

  /// Why the last attempt failed; null when it did not.
  Failure? get failure => _failure;

  Link get link => _link;

  bool get isRefreshing => _isRefreshing;

  /// Whether nothing is there to be shown yet.
  bool get isEmpty => _summary == null && _alerts == null;

  bool isAcknowledging(String alertId) => _acknowledging.contains(alertId);

  Freshness freshness(Metric metric, DateTime at) => freshnessOf(
    _summary?.values[metric],
    isOnline: _link == Link.online,
    now: at,
  );

  /// Show what was last known, and begin to ask.
  Future<void> start() {
    _grids = _gridRepository.lastKnownGrids();
    if (_grids.isNotEmpty) {
      _choose(_selectedGrid.gridId ?? _grids.first.id);
    }
    _startTicking();
    return refresh();
  }

  /// Show another grid, here and everywhere.
  Future<void> showGrid(String gridId) {
    _choose(gridId);
    _selectedGrid.choose(gridId);
    notifyListeners();
    return refresh();
  }

  /// Ask the server now; nothing more happens while it is being asked.
  Future<void> refresh() async {
    if (_isRefreshing || _isDisposed) {
      return;
    }
    _next?.cancel();
    _isRefreshing = true;
    notifyListeners();
    final failure = await _fetch();
    if (_isDisposed) {
      return;
    }
    _isRefreshing = false;
    _failure = failure;
    _failures = failure == null ? 0 : _failures + 1;
    // A server that refuses something is heard nevertheless.
    _link = failure is Unreachable ? Link.offline : Link.online;
    now.value = _now();
    notifyListeners();
    _askLater();
  }

  /// Say that an alert is known.
  Future<Result<void>> acknowledge(Alert alert) async {
    if (!_acknowledging.add(alert.id)) {
      return const Ok(null);
    }
    notifyListeners();
    final result = await _alertRepository.acknowledge(alert.id, key: _newKey());
    _acknowledging.remove(alert.id);
    if (_isDisposed) {
      return const Ok(null);
    }
    if (result case Ok(:final value)) {
      _replace(value);
    }
    notifyListeners();
    return switch (result) {
      Ok() => const Ok(null),
      Failed(:final failure) => Failed(failure),
    };
  }

  /// Ask no more: nobody looks.
  void pause() {
    _isPaused = true;
    _next?.cancel();
    _tick?.cancel();
    unawaited(_saveLastKnown());
  }

  /// Somebody looks again.
  void resume() {
    if (!_isPaused) {
      return;
    }
    _isPaused = false;
    _startTicking();
    unawaited(refresh());
  }

  @override
  void dispose() {
    _isDisposed = true;
    _selectedGrid.removeListener(_followSelection);
    _next?.cancel();
    _tick?.cancel();
    now.dispose();
    super.dispose();
  }

  Future<Failure?> _fetch() async {
    if (!_knowsGrids) {
      switch (await _gridRepository.grids()) {
        case Ok(:final value):
          _takeGrids(value);
        case Failed(:final failure):
          return failure;
      }
    }
    final gridId = _gridId;
    if (gridId == null) {
      return null;
    }
    final changes = _changes;
    final (summary, alerts) = await (
      _gridRepository.summary(gridId),
      _alertRepository.active(gridId),
    ).wait;
    if (gridId != _gridId) {
      return _fetch();
    }
    if (summary case Ok(:final value)) {
      _summary = value;
    }
    // What was asked before somebody acknowledged something may not know of that.
    if (alerts case Ok(:final value) when changes == _changes) {
      _alerts = value;
    }
    return _failureOf(summary) ?? _failureOf(alerts);
  }

  void _takeGrids(List<Grid> grids) {
    _grids = grids;
    // One that is empty is asked for again: the first device may be about to come.
    _knowsGrids = grids.isNotEmpty;
    // Of more than come at once, another one may well be there.
    final isWhole = grids.length < GridRepository.mostAtOnce;
    if (_gridId == null ||
        isWhole && grids.every((grid) => grid.id != _gridId)) {
      _gridId = null;
      _summary = null;
      _alerts = null;
      if (grids.isNotEmpty) {
        final selected = _selectedGrid.gridId;
        final isThere = !isWhole || grids.any((grid) => grid.id == selected);
        _choose(selected != null && isThere ? selected : grids.first.id);
      }
    }
  }

  void _followSelection() {
    final gridId = _selectedGrid.gridId;
    if (gridId != null && gridId != _gridId) {
      unawaited(showGrid(gridId));
    }
  }

  void _choose(String gridId) {
    _gridId = gridId;
    _summary = _gridRepository.lastKnownSummary(gridId);
    _alerts = _alertRepository.lastKnownActive(gridId);
  }

  void _replace(Alert changed) {
    _changes++;
    final alerts = _alerts;
    if (alerts != null) {
      _alerts = ActiveAlerts(
        alerts: [
          for (final alert in alerts.alerts)
            alert.id == changed.id ? changed : alert,
        ],
        hasMore: alerts.hasMore,
      );
    }
  }

  void _askLater() {
    if (_isPaused) {
      return;
    }
    final wait = pollEvery * pow(2, min(_failures, 4)).toInt();
    _next?.cancel();
    _next = Timer(
      _failures > 0 && wait > longestWait ? longestWait : wait,
      () => unawaited(refresh()),
    );
  }

  void _startTicking() {
    _tick?.cancel();
    _tick = Timer.periodic(
      const Duration(seconds: 1),
      (_) => now.value = _now(),
    );
  }

  String _newKey() => List.generate(
    4,
    (_) => _random.nextInt(1 << 32).toRadixString(16).padLeft(8, '0'),
  ).join();
}

Failure? _failureOf(Result<Object?> result) => switch (result) {
  Ok() => null,
  Failed(:final failure) => failure,
};
