import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/grid_standing.dart';
import '../../l10n/words.dart';
import '../core/connection_banner.dart';
import '../core/failure_notice.dart';
import '../core/watched.dart';
import 'grid_card.dart';
import 'overview_view_model.dart';

/// All grids that the user may see, the worst first.
class OverviewScreen extends StatefulWidget {
  const OverviewScreen({
    required this.makeViewModel,
    required this.onChosen,
    super.key,
  });

  final OverviewViewModel Function() makeViewModel;

  /// A grid was chosen: it is the selected one.
  final VoidCallback onChosen;

  @override
  State<OverviewScreen> createState() => _OverviewScreenState();
}

class _OverviewScreenState extends State<OverviewScreen> with WatchedState {
  late final OverviewViewModel _overview = widget.makeViewModel();
  final _search = TextEditingController();

  @override
  void onWatched() => _overview.watch();

  @override
  void onUnwatched() => _overview.leave();

  @override
  void dispose() {
    _overview.dispose();
    _search.dispose();
    super.dispose();
  }

  void _choose(GridStanding grid) {
    _overview.choose(grid);
    widget.onChosen();
  }

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: _overview,
    builder: (context, _) => Scaffold(
      appBar: AppBar(title: Text(Words.of(context).shell.grids)),
      body: SafeArea(
        child: Column(
          children: [
            if (_overview.overview case final overview?)
              ConnectionBanner(
                isConnecting: _overview.isConnecting,
                failure: _overview.failure,
                receivedAt: overview.receivedAt,
                now: _overview.now.value,
                onRetry: () => unawaited(_overview.refresh()),
              ),
            if (_overview.canSearch) _searchField(context),
            Expanded(child: _body(context)),
          ],
        ),
      ),
    ),
  );

  Widget _searchField(BuildContext context) {
    final words = Words.of(context).overview;
    return Padding(
      padding: const EdgeInsets.fromLTRB(16, 8, 16, 8),
      child: TextField(
        controller: _search,
        decoration: InputDecoration(
          labelText: words.search,
          prefixIcon: const Icon(Icons.search),
          suffixIcon: _overview.search.isEmpty
              ? null
              : IconButton(
                  tooltip: words.clearSearch,
                  icon: const Icon(Icons.clear),
                  onPressed: () {
                    _search.clear();
                    _overview.searchFor('');
                  },
                ),
        ),
        autocorrect: false,
        textInputAction: TextInputAction.search,
        onChanged: _overview.searchFor,
      ),
    );
  }

  Widget _body(BuildContext context) {
    final words = Words.of(context);
    if (_overview.overview == null) {
      return switch (_overview.failure) {
        final failure? => FailureNotice(
          failure: failure,
          onRetry: () => unawaited(_overview.refresh()),
        ),
        null => Center(
          child: CircularProgressIndicator(
            semanticsLabel: words.common.loading,
          ),
        ),
      };
    }
    final grids = _overview.grids;
    if (grids.isEmpty) {
      return Center(
        child: Padding(
          padding: const EdgeInsets.all(24),
          child: Text(
            _overview.search.isEmpty
                ? words.dashboard.noGrid
                : words.overview.noneFound(_overview.search.trim()),
            textAlign: TextAlign.center,
          ),
        ),
      );
    }
    return RefreshIndicator(
      onRefresh: _overview.refresh,
      child: _Cards(overview: _overview, grids: grids, onTap: _choose),
    );
  }
}

/// Cards in as many columns as there is room for; only those in sight are built.
class _Cards extends StatelessWidget {
  const _Cards({
    required this.overview,
    required this.grids,
    required this.onTap,
  });

  final OverviewViewModel overview;
  final List<GridStanding> grids;
  final ValueChanged<GridStanding> onTap;

  static const _narrowestCard = 300.0;
  static const _gap = 8.0;

  @override
  Widget build(BuildContext context) => LayoutBuilder(
    builder: (context, constraints) {
      // Larger text needs wider cards.
      final narrowest =
          _narrowestCard * MediaQuery.textScalerOf(context).scale(16) / 16;
      final columns = (constraints.maxWidth / narrowest).floor().clamp(1, 4);
      return ListView.builder(
        physics: const AlwaysScrollableScrollPhysics(),
        padding: const EdgeInsets.symmetric(horizontal: 16, vertical: 8),
        itemCount: (grids.length / columns).ceil(),
        itemBuilder: (context, line) => Padding(
          padding: const EdgeInsets.only(bottom: _gap),
          child: IntrinsicHeight(
            child: Row(
              crossAxisAlignment: CrossAxisAlignment.stretch,
              spacing: _gap,
              children: [
                for (var column = 0; column < columns; column++)
                  Expanded(
                    child: switch (grids.elementAtOrNull(
                      line * columns + column,
                    )) {
                      final grid? => GridCard(
                        key: ValueKey(grid.gridId),
                        grid: grid,
                        overview: overview,
                        onTap: () => onTap(grid),
                      ),
                      null => const SizedBox.shrink(),
                    },
                  ),
              ],
            ),
          ),
        ),
      );
    },
  );
}
