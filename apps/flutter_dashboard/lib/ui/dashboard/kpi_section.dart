import 'package:flutter/material.dart';

import '../../domain/models/freshness.dart';
import '../../domain/models/grid_summary.dart';
import '../../domain/models/metric.dart';
import '../../l10n/words.dart';
import '../core/freshness_line.dart';
import '../core/section.dart';
import 'dashboard_view_model.dart';

/// The key figures, large, each with its age.
class KpiSection extends StatelessWidget {
  const KpiSection(this._dashboard, {super.key});

  final DashboardViewModel _dashboard;

  static const _narrowestTile = 150.0;
  static const _gap = 8.0;

  @override
  Widget build(BuildContext context) => Section(
    title: Words.of(context).dashboard.now,
    child: LayoutBuilder(
      builder: (context, constraints) {
        // Larger text needs wider tiles.
        final narrowest =
            _narrowestTile * MediaQuery.textScalerOf(context).scale(16) / 16;
        final columns = (constraints.maxWidth / narrowest).floor().clamp(1, 3);
        final width = (constraints.maxWidth - (columns - 1) * _gap) / columns;
        return Wrap(
          spacing: _gap,
          runSpacing: _gap,
          children: [
            for (final (index, metric) in Metric.values.indexed)
              SizedBox(
                // The last one of three in two columns takes its whole line.
                width: columns == 2 && index == 2
                    ? constraints.maxWidth
                    : width,
                child: ValueListenableBuilder(
                  valueListenable: _dashboard.now,
                  builder: (context, now, _) => _KpiTile(
                    metric: metric,
                    measurement: _dashboard.summary?.values[metric],
                    freshness: _dashboard.freshness(metric, now),
                    now: now,
                    keepsPlaceOfBar: columns == 3,
                  ),
                ),
              ),
          ],
        );
      },
    ),
  );
}

class _KpiTile extends StatelessWidget {
  const _KpiTile({
    required this.metric,
    required this.measurement,
    required this.freshness,
    required this.now,
    required this.keepsPlaceOfBar,
  });

  final Metric metric;
  final Measurement? measurement;
  final Freshness freshness;
  final DateTime now;

  /// Whether it stands beside one that has a bar, and is to be as tall.
  final bool keepsPlaceOfBar;

  static const _barHeight = 8.0;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context);
    final colours = theme.colorScheme;
    final measurement = this.measurement;
    final isLive = freshness == Freshness.live;
    final ink = isLive ? colours.onSurface : colours.onSurfaceVariant;
    final value = measurement == null
        ? '–'
        : words.formats.value(metric, measurement.value);
    final state = measurement == null
        ? words.common.freshnessName(freshness)
        : '${words.common.freshnessName(freshness)} · ${words.common.age(measurement.age(now))}';
    return Semantics(
      container: true,
      excludeSemantics: true,
      label: measurement == null
          ? '${words.common.metricTitle(metric)}: $state'
          : '${words.common.metricTitle(metric)}: $value ${metric.unit}, $state',
      child: Card.filled(
        margin: EdgeInsets.zero,
        color: colours.surfaceContainerHigh,
        child: Padding(
          padding: const EdgeInsets.all(12),
          child: Column(
            crossAxisAlignment: CrossAxisAlignment.start,
            children: [
              Text(
                words.common.metricTitle(metric),
                style: theme.textTheme.bodyMedium?.copyWith(
                  color: colours.onSurfaceVariant,
                ),
              ),
              FittedBox(
                fit: BoxFit.scaleDown,
                alignment: Alignment.centerLeft,
                child: Row(
                  mainAxisSize: MainAxisSize.min,
                  crossAxisAlignment: CrossAxisAlignment.baseline,
                  textBaseline: TextBaseline.alphabetic,
                  children: [
                    Text(
                      value,
                      style: theme.textTheme.displaySmall?.copyWith(
                        color: ink,
                        fontWeight: FontWeight.w500,
                        fontFeatures: const [FontFeature.tabularFigures()],
                      ),
                    ),
                    const SizedBox(width: 6),
                    Text(
                      metric.unit,
                      style: theme.textTheme.titleMedium?.copyWith(color: ink),
                    ),
                  ],
                ),
              ),
              if (metric == Metric.stateOfCharge && measurement != null)
                Padding(
                  padding: const EdgeInsets.only(bottom: 8),
                  child: LinearProgressIndicator(
                    value: (measurement.value / 100).clamp(0, 1),
                    minHeight: _barHeight,
                    color: isLive ? colours.primary : colours.outline,
                    borderRadius: BorderRadius.circular(4),
                  ),
                )
              else if (keepsPlaceOfBar)
                const SizedBox(height: _barHeight + 8),
              FreshnessLine(freshness, state),
            ],
          ),
        ),
      ),
    );
  }
}
