import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../l10n/words.dart';
import '../core/chart/line_chart.dart';
import '../core/failure_notice.dart';
import '../core/section.dart';
import '../core/themes.dart';
import 'trends_view_model.dart';

/// How a metric went over some time, as a chart.
class TrendsSection extends StatelessWidget {
  const TrendsSection(this._trends, {super.key});

  final TrendsViewModel _trends;

  static const _chartHeight = 220.0;

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: _trends,
    builder: (context, _) => Section(
      title: Words.of(context).chart.trends,
      trailing: _PeriodMenu(_trends),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          Wrap(
            spacing: 8,
            children: [
              for (final metric in Metric.values)
                ChoiceChip(
                  label: Text(Words.of(context).common.metricName(metric)),
                  selected: metric == _trends.metric,
                  showCheckmark: false,
                  onSelected: (_) => unawaited(_trends.showMetric(metric)),
                ),
            ],
          ),
          const SizedBox(height: 8),
          ConstrainedBox(
            constraints: const BoxConstraints(minHeight: _chartHeight),
            child: _chart(context),
          ),
        ],
      ),
    ),
  );

  Widget _chart(BuildContext context) {
    final history = _trends.history;
    if (history != null && !history.isEmpty) {
      return Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          LineChart(history: history, height: _chartHeight),
          if (_trends.failure case final failure?)
            _Outdated(
              words: Words.of(context).common.failure(failure),
              trends: _trends,
            ),
        ],
      );
    }
    if (_trends.failure case final failure?) {
      return FailureNotice(
        failure: failure,
        onRetry: () => unawaited(_trends.load()),
      );
    }
    if (history == null) {
      return Center(
        child: CircularProgressIndicator(
          semanticsLabel: Words.of(context).chart.loading,
        ),
      );
    }
    return Center(
      child: Text(Words.of(context).chart.nothingMeasured(_trends.period)),
    );
  }
}

class _PeriodMenu extends StatelessWidget {
  const _PeriodMenu(this._trends);

  final TrendsViewModel _trends;

  @override
  Widget build(BuildContext context) => PopupMenuButton<Period>(
    tooltip: Words.of(context).chart.choosePeriod,
    initialValue: _trends.period,
    onSelected: (period) => unawaited(_trends.showPeriod(period)),
    itemBuilder: (context) => [
      for (final period in Period.values)
        PopupMenuItem(
          value: period,
          child: Text(Words.of(context).common.periodName(period)),
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
          Text(Words.of(context).common.periodName(_trends.period)),
          const Icon(Icons.arrow_drop_down),
        ],
      ),
    ),
  );
}

/// Says that the chart could not be brought up to date.
class _Outdated extends StatelessWidget {
  const _Outdated({required this.words, required this.trends});

  final String words;
  final TrendsViewModel trends;

  @override
  Widget build(BuildContext context) => Semantics(
    liveRegion: true,
    child: Row(
      children: [
        const Icon(Icons.history, size: 18),
        const SizedBox(width: 8),
        Expanded(child: Text(Words.of(context).chart.notUpToDate(words))),
        TextButton(
          style: TextButton.styleFrom(
            minimumSize: const Size(smallestTarget, smallestTarget),
          ),
          onPressed: () => unawaited(trends.load()),
          child: Text(Words.of(context).common.retry),
        ),
      ],
    ),
  );
}
