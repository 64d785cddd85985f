import 'dart:async';

import 'package:flutter/material.dart';

import '../../l10n/words.dart';
import '../core/connection_banner.dart';
import '../core/failure_notice.dart';
import '../core/watched.dart';
import 'alerts_section.dart';
import 'dashboard_view_model.dart';
import 'grid_title.dart';
import 'kpi_section.dart';
import 'trends_section.dart';
import 'trends_view_model.dart';

/// Everything about a grid on one screen: alerts, key figures, trends.
class DashboardScreen extends StatefulWidget {
  const DashboardScreen({
    required this.makeDashboard,
    required this.makeTrends,
    super.key,
  });

  final DashboardViewModel Function() makeDashboard;
  final TrendsViewModel Function() makeTrends;

  @override
  State<DashboardScreen> createState() => _DashboardScreenState();
}

class _DashboardScreenState extends State<DashboardScreen> with WatchedState {
  late final DashboardViewModel _dashboard = widget.makeDashboard();
  late final TrendsViewModel _trends = widget.makeTrends();
  Timer? _trendsTimer;
  var _wasOffline = false;
  var _hasStarted = false;

  /// A curve changes by a point or so in this time.
  static const _trendsEvery = Duration(minutes: 1);

  @override
  void initState() {
    super.initState();
    _dashboard.addListener(_follow);
  }

  @override
  void dispose() {
    _trendsTimer?.cancel();
    _dashboard.removeListener(_follow);
    _dashboard.dispose();
    _trends.dispose();
    super.dispose();
  }

  void _follow() {
    if (_dashboard.gridId case final gridId?) {
      unawaited(_trends.showGrid(gridId));
    }
    final isOffline = _dashboard.link == Link.offline;
    if (_wasOffline && !isOffline) {
      unawaited(_trends.load());
    }
    _wasOffline = isOffline;
  }

  @override
  void onUnwatched() {
    _trendsTimer?.cancel();
    _dashboard.pause();
  }

  @override
  void onWatched() {
    if (_hasStarted) {
      _dashboard.resume();
      unawaited(_trends.load());
    } else {
      _hasStarted = true;
      unawaited(_dashboard.start());
    }
    _trendsTimer?.cancel();
    _trendsTimer = Timer.periodic(
      _trendsEvery,
      (_) => unawaited(_trends.load()),
    );
  }

  Future<void> _refresh() =>
      Future.wait([_dashboard.refresh(), _trends.load()]);

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: _dashboard,
    builder: (context, _) => Scaffold(
      appBar: AppBar(title: GridTitle(_dashboard)),
      body: SafeArea(
        child: Column(
          children: [
            if (!_dashboard.isEmpty)
              ConnectionBanner(
                isConnecting: _dashboard.link == Link.connecting,
                failure: _dashboard.failure,
                receivedAt: _dashboard.summary?.receivedAt,
                now: _dashboard.now.value,
                onRetry: () => unawaited(_dashboard.refresh()),
              ),
            Expanded(child: _body()),
          ],
        ),
      ),
    ),
  );

  Widget _body() {
    if (_dashboard.isEmpty) {
      return switch (_dashboard.failure) {
        final failure? => FailureNotice(
          failure: failure,
          onRetry: () => unawaited(_refresh()),
        ),
        null when _dashboard.link == Link.online && _dashboard.gridId == null =>
          Center(
            child: Padding(
              padding: const EdgeInsets.all(24),
              child: Text(
                Words.of(context).dashboard.noGrid,
                textAlign: TextAlign.center,
              ),
            ),
          ),
        null => Center(
          child: CircularProgressIndicator(
            semanticsLabel: Words.of(context).common.loading,
          ),
        ),
      };
    }
    return RefreshIndicator(
      onRefresh: _refresh,
      child: SingleChildScrollView(
        physics: const AlwaysScrollableScrollPhysics(),
        child: Center(
          child: ConstrainedBox(
            constraints: const BoxConstraints(maxWidth: 960),
            child: Column(
              crossAxisAlignment: CrossAxisAlignment.stretch,
              children: [
                AlertsSection(_dashboard),
                KpiSection(_dashboard),
                TrendsSection(_trends),
              ],
            ),
          ),
        ),
      ),
    );
  }
}
