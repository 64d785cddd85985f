import 'package:flutter/foundation.dart';

import '../../data/repositories/history_repository.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';

/// The chart: which metric and period it shows, and the curve.
class TrendsViewModel extends ChangeNotifier {
  TrendsViewModel({required HistoryRepository histories})
    : _histories = histories;

  final HistoryRepository _histories;

  String? _gridId;
  Metric _metric = Metric.consumption;
  Period _period = Period.day;
  History? _history;
  Failure? _failure;
  int _asked = 0;
  bool _isLoading = false;
  bool _isDisposed = false;

  Metric get metric => _metric;
  Period get period => _period;

  /// The curve of [metric] over [period]; null when it has not come yet.
  History? get history => _history;

  /// Why the last attempt failed.
  Failure? get failure => _failure;

  bool get isLoading => _isLoading;

  /// Show another grid.
  Future<void> showGrid(String gridId) {
    if (gridId == _gridId) {
      return Future.value();
    }
    _gridId = gridId;
    return _loadAnew();
  }

  Future<void> showMetric(Metric metric) {
    if (metric == _metric) {
      return Future.value();
    }
    _metric = metric;
    return _loadAnew();
  }

  Future<void> showPeriod(Period period) {
    if (period == _period) {
      return Future.value();
    }
    _period = period;
    return _loadAnew();
  }

  Future<void> _loadAnew() {
    _history = null;
    _failure = null;
    return load();
  }

  /// Fetch the curve; the one that is there stays until then.
  Future<void> load() async {
    final gridId = _gridId;
    if (gridId == null || _isDisposed) {
      return;
    }
    final asked = ++_asked;
    _isLoading = true;
    notifyListeners();
    final result = await _histories.history(gridId, _metric, _period);
    // Of several questions only the last one's answer counts.
    if (asked != _asked || _isDisposed) {
      return;
    }
    _isLoading = false;
    switch (result) {
      case Ok(:final value):
        _history = value;
        _failure = null;
      case Failed(:final failure):
        _failure = failure;
    }
    notifyListeners();
  }

  @override
  void dispose() {
    _isDisposed = true;
    super.dispose();
  }
}
