import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import '../../l10n/words.dart';
import '../core/chart/chart_style.dart';
import '../core/chart/line_chart.dart';
import '../core/failure_notice.dart';
import '../core/themes.dart';
import 'trends_view_model.dart';

/// The chart with the choice of what is on it.
class TrendsPanel extends StatelessWidget {
  const TrendsPanel(
    this._trends, {
    this.chartHeight,
    this.wheelZooms = false,
    super.key,
  });

  final TrendsViewModel _trends;

  /// In logical pixels; null where it fills the room that there is.
  final double? chartHeight;

  /// Whether the wheel of a mouse zooms at once.
  final bool wheelZooms;

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: _trends,
    builder: (context, _) => Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        _Metrics(_trends),
        const SizedBox(height: 8),
        if (chartHeight case final height?)
          ConstrainedBox(
            constraints: BoxConstraints(minHeight: height),
            child: _chart(context),
          )
        else
          Expanded(child: _chart(context)),
        _Progress(_trends),
        if (_trends.lines.isNotEmpty) ..._notices(context),
      ],
    ),
  );

  Widget _chart(BuildContext context) {
    final words = Words.of(context);
    final lines = _trends.lines;
    if (lines.any((line) => !line.overview.isEmpty)) {
      return LineChart(
        lines: lines,
        viewport: _trends.viewport,
        crosshair: _trends.crosshair,
        height: chartHeight,
        wheelZooms: wheelZooms,
      );
    }
    if (_trends.failure case final failure?) {
      return FailureNotice(
        failure: failure,
        onRetry: () => unawaited(_trends.load()),
      );
    }
    return Center(
      child: lines.isEmpty
          ? CircularProgressIndicator(semanticsLabel: words.chart.loading)
          : Text(words.chart.nothingMeasured(_trends.period)),
    );
  }

  List<Widget> _notices(BuildContext context) {
    final words = Words.of(context);
    String why(Failure failure) => words.common.failure(failure);
    return [
      if (_trends.failure case final failure?)
        _Notice(
          words: words.chart.notUpToDate(why(failure)),
          onRetry: () => unawaited(_trends.load()),
        )
      else if (_trends.detailFailure case final failure?)
        _Notice(
          words: words.chart.noDetail(why(failure)),
          onRetry: () => unawaited(_trends.loadDetail()),
        ),
    ];
  }
}

/// The metrics to choose from; while comparing, each can be shown and hidden: then this is the legend.
class _Metrics extends StatelessWidget {
  const _Metrics(this._trends);

  final TrendsViewModel _trends;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    final brightness = Theme.of(context).brightness;
    return Wrap(
      spacing: 8,
      runSpacing: 2,
      children: [
        for (final metric in Metric.values)
          _trends.isComparing
              ? FilterChip(
                  avatar: Icon(
                    _trends.shows(metric)
                        ? Icons.circle
                        : Icons.circle_outlined,
                    size: 14,
                    color: lineColour(metric, brightness),
                  ),
                  label: Text(words.common.metricName(metric)),
                  selected: _trends.shows(metric),
                  showCheckmark: false,
                  onSelected: (_) => unawaited(_trends.showMetric(metric)),
                )
              : ChoiceChip(
                  label: Text(words.common.metricName(metric)),
                  selected: _trends.shows(metric),
                  showCheckmark: false,
                  onSelected: (_) => unawaited(_trends.showMetric(metric)),
                ),
        FilterChip(
          avatar: _trends.isComparing
              ? null
              : const Icon(Icons.stacked_line_chart, size: 18),
          label: Text(words.chart.compare),
          selected: _trends.isComparing,
          onSelected: (isOn) => unawaited(_trends.compare(isOn: isOn)),
        ),
      ],
    );
  }
}

/// Whether something finer is on its way; as tall without.
class _Progress extends StatelessWidget {
  const _Progress(this._trends);

  final TrendsViewModel _trends;

  @override
  Widget build(BuildContext context) => SizedBox(
    height: 2,
    child: _trends.isLoadingDetail
        ? LinearProgressIndicator(
            semanticsLabel: Words.of(context).chart.loadingDetail,
          )
        : null,
  );
}

/// Says that something of the chart could not be had.
class _Notice extends StatelessWidget {
  const _Notice({required this.words, required this.onRetry});

  final String words;
  final VoidCallback onRetry;

  @override
  Widget build(BuildContext context) => Semantics(
    liveRegion: true,
    child: Row(
      children: [
        const Icon(Icons.history, size: 18),
        const SizedBox(width: 8),
        Expanded(child: Text(words)),
        TextButton(
          style: TextButton.styleFrom(
            minimumSize: const Size(smallestTarget, smallestTarget),
          ),
          onPressed: onRetry,
          child: Text(Words.of(context).common.retry),
        ),
      ],
    ),
  );
}
