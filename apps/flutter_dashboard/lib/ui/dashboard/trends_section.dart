import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/history.dart';
import '../../l10n/words.dart';
import '../core/section.dart';
import '../core/themes.dart';
import 'trends_panel.dart';
import 'trends_screen.dart';
import 'trends_tools.dart';
import 'trends_view_model.dart';

/// How metrics went over some time, as a chart.
class TrendsSection extends StatelessWidget {
  const TrendsSection(this._trends, {super.key});

  final TrendsViewModel _trends;

  static const _chartHeight = 220.0;

  @override
  Widget build(BuildContext context) => Section(
    title: Words.of(context).chart.trends,
    trailing: PeriodMenu(_trends),
    child: Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        TrendsPanel(_trends, chartHeight: _chartHeight),
        TrendsTools(
          _trends,
          onFullScreen: () => unawaited(
            Navigator.of(context).push(
              MaterialPageRoute<void>(
                fullscreenDialog: true,
                builder: (context) => TrendsScreen(_trends),
              ),
            ),
          ),
        ),
      ],
    ),
  );
}

/// Which period is shown, and a choice of others.
class PeriodMenu extends StatelessWidget {
  const PeriodMenu(this._trends, {super.key});

  final TrendsViewModel _trends;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    return ListenableBuilder(
      listenable: _trends,
      builder: (context, _) => PopupMenuButton<Period>(
        tooltip: words.chart.choosePeriod,
        initialValue: _trends.period,
        onSelected: (period) => unawaited(_trends.showPeriod(period)),
        itemBuilder: (context) => [
          for (final period in Period.values)
            PopupMenuItem(
              value: period,
              child: Text(words.common.periodName(period)),
            ),
        ],
        child: ConstrainedBox(
          constraints: const BoxConstraints(
            minHeight: smallestTarget,
            minWidth: smallestTarget,
          ),
          child: Row(
            mainAxisSize: MainAxisSize.min,
            children: [
              Flexible(
                child: Text(
                  words.common.periodName(_trends.period),
                  style: Theme.of(context).textTheme.bodyLarge,
                  overflow: TextOverflow.ellipsis,
                ),
              ),
              const Icon(Icons.arrow_drop_down),
            ],
          ),
        ),
      ),
    );
  }
}
