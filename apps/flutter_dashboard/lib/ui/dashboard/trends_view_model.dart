import 'dart:async';
import 'dart:convert';

import 'package:flutter/foundation.dart';

import '../../data/repositories/history_repository.dart';
import '../../domain/history_table.dart';
import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/models/share_outcome.dart';
import '../../domain/result.dart';
import '../core/chart/chart_line.dart';
import '../core/chart/chart_viewport.dart';

/// The chart: which metrics and period it shows, the curves, and what of them is looked at closely.
class TrendsViewModel extends ChangeNotifier {
  TrendsViewModel({required HistoryRepository histories, required Share share})
    : _histories = histories,
      _share = share {
    viewport.addListener(_moved);
  }

  final HistoryRepository _histories;
  final Share _share;

  /// Which part of the period is shown.
  final viewport = ChartViewport();

  /// The time that is pointed at, in milliseconds since 1970; null when none is.
  final crosshair = ValueNotifier<double?>(null);

  /// Detail is asked for when the chart was not moved for this time.
  static const settled = Duration(milliseconds: 250);

  /// Detail of so many times what is shown is fine enough.
  static const _coarsest = 6;

  String? _gridId;
  Set<Metric> _metrics = {Metric.consumption};
  Period _period = Period.day;
  bool _isComparing = false;
  final _overviews = <Metric, History>{};
  final _details = <Metric, History>{};
  Failure? _failure;
  Failure? _detailFailure;
  int _asked = 0;
  int _detailAsked = 0;
  bool _isLoadingDetail = false;
  bool _isDisposed = false;
  Timer? _settling;

  String? get gridId => _gridId;
  Period get period => _period;

  /// Whether several metrics can be shown at once.
  bool get isComparing => _isComparing;

  bool shows(Metric metric) => _metrics.contains(metric);

  /// What is known of the metrics that are shown; empty while nothing has come yet.
  List<ChartLine> get lines => [
    for (final metric in Metric.values)
      if (_metrics.contains(metric))
        if (_overviews[metric] case final overview?)
          ChartLine(overview: overview, detail: _details[metric]),
  ];

  /// Why the last attempt failed.
  Failure? get failure => _failure;

  /// Why what is looked at closely could not be had in detail.
  Failure? get detailFailure => _detailFailure;

  bool get isLoadingDetail => _isLoadingDetail;

  /// Show another grid.
  Future<void> showGrid(String gridId) {
    if (gridId == _gridId) {
      return Future.value();
    }
    _gridId = gridId;
    _forget();
    return _showKept();
  }

  /// Show a metric; while comparing, show it with the others, or hide it.
  Future<void> showMetric(Metric metric) {
    if (!_isComparing) {
      return _showMetrics({metric});
    }
    final others = _metrics.difference({metric});
    return _showMetrics(
      others.length < _metrics.length ? others : {..._metrics, metric},
    );
  }

  /// Begin to compare all metrics, or go back to one.
  Future<void> compare({required bool isOn}) {
    _isComparing = isOn;
    return _showMetrics(isOn ? Metric.values.toSet() : {_metrics.first});
  }

  Future<void> showPeriod(Period period) {
    if (period == _period) {
      return Future.value();
    }
    _period = period;
    _forget();
    return _showKept();
  }

  Future<void> _showMetrics(Set<Metric> metrics) {
    // The last one stays: a chart of nothing tells nothing.
    if (metrics.isEmpty || setEquals(metrics, _metrics)) {
      notifyListeners();
      return Future.value();
    }
    final isKnown = _overviews.keys.toSet().containsAll(metrics);
    _metrics = metrics;
    _failure = null;
    if (metrics.length == 1 && !isKnown) {
      crosshair.value = null;
    }
    return _showKept();
  }

  void _forget() {
    _overviews.clear();
    _details.clear();
    _failure = null;
    _detailFailure = null;
    _detailAsked++;
    _isLoadingDetail = false;
    crosshair.value = null;
    viewport.reset();
  }

  /// Show at once what was last known of what was chosen, and fetch it anew.
  Future<void> _showKept() {
    final gridId = _gridId;
    if (gridId == null) {
      return Future.value();
    }
    for (final metric in _metrics) {
      final kept = _histories.lastKnown(gridId, metric, _period);
      if (!_overviews.containsKey(metric) && kept != null) {
        _overviews[metric] = kept;
      }
    }
    _fit();
    notifyListeners();
    return load();
  }

  /// Fetch the curves; those that are there stay until then.
  Future<void> load() async {
    final gridId = _gridId;
    if (gridId == null || _isDisposed) {
      return;
    }
    final asked = ++_asked;
    final metrics = [
      for (final metric in Metric.values)
        if (_metrics.contains(metric)) metric,
    ];
    final results = await Future.wait([
      for (final metric in metrics) _histories.history(gridId, metric, _period),
    ]);
    // Of several questions only the last one's answer counts.
    if (asked != _asked || _isDisposed) {
      return;
    }
    _failure = null;
    for (final (index, result) in results.indexed) {
      switch (result) {
        case Ok(:final value):
          _overviews[metrics[index]] = value;
        case Failed(:final failure):
          _failure ??= failure;
      }
    }
    _fit();
    _moved();
    notifyListeners();
  }

  /// Let the viewport have the time of what is shown.
  void _fit() {
    final shown = lines;
    if (shown.isEmpty) {
      return;
    }
    double edge(DateTime Function(History) of, int sign) => shown
        .map((line) => of(line.overview).millisecondsSinceEpoch.toDouble())
        .reduce((one, other) => (one - other) * sign < 0 ? one : other);
    viewport.setLimits(
      edge((history) => history.start, 1),
      edge((history) => history.end, -1),
    );
  }

  void _moved() {
    _settling?.cancel();
    if (viewport.isZoomed && !_isDisposed) {
      _settling = Timer(settled, () => unawaited(loadDetail()));
    }
  }

  /// Fetch what is looked at as fine as it is to be had; what is there stays until then.
  Future<void> loadDetail() async {
    final gridId = _gridId;
    final wanted = lines.where(_lacksDetail).toList();
    if (gridId == null || wanted.isEmpty || _isDisposed) {
      return;
    }
    final asked = ++_detailAsked;
    _isLoadingDetail = true;
    notifyListeners();
    // With as much again on each side: it is there when the chart is moved.
    final start = viewport.start - viewport.length;
    final end = viewport.end + viewport.length;
    final results = await Future.wait([
      for (final line in wanted)
        _histories.detail(
          gridId,
          line.metric,
          ChartViewport.timeOf(start < viewport.first ? viewport.first : start),
          ChartViewport.timeOf(end > viewport.last ? viewport.last : end),
        ),
    ]);
    if (asked != _detailAsked || _isDisposed) {
      return;
    }
    _isLoadingDetail = false;
    _detailFailure = null;
    for (final (index, result) in results.indexed) {
      switch (result) {
        case Ok(:final value):
          _details[wanted[index].metric] = value;
        case Failed(:final failure):
          _detailFailure ??= failure;
      }
    }
    notifyListeners();
  }

  /// Share what is shown as a table.
  Future<ShareOutcome> shareTable() {
    final table = historyTable(
      [
        for (final line in lines)
          (line.metric.wireName, line.between(viewport.start, viewport.end)),
      ],
      start: viewport.startTime,
      end: viewport.endTime,
    );
    return _share('$_fileName.csv', 'text/csv', utf8.encode(table));
  }

  /// Share what is shown as a picture, of which the PNG is there.
  Future<ShareOutcome> sharePicture(Uint8List png) =>
      _share('$_fileName.png', 'image/png', png);

  /// Without what some file systems do not take.
  String get _fileName {
    final until = viewport.endTime.toLocal().toIso8601String();
    final metrics = lines.map((line) => line.metric.wireName).join('-');
    return '${_gridId}_${metrics}_${until.substring(0, 16).replaceAll(':', '-')}';
  }

  bool _lacksDetail(ChartLine line) {
    if (!viewport.isZoomed || line.overview.isComplete) {
      return false;
    }
    final detail = line.detail;
    if (detail == null ||
        line.between(viewport.start, viewport.end) != detail) {
      return true;
    }
    final length = detail.end.difference(detail.start).inMilliseconds;
    return !detail.isComplete && length > _coarsest * viewport.length;
  }

  @override
  void dispose() {
    _isDisposed = true;
    _settling?.cancel();
    viewport.dispose();
    crosshair.dispose();
    super.dispose();
  }
}
