import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';
import '../../domain/models/freshness.dart';
import '../../domain/models/grid_standing.dart';
import '../../domain/models/metric.dart';
import '../../l10n/words.dart';
import '../core/freshness_line.dart';
import '../core/severity_icon.dart';
import '../core/themes.dart';
import 'overview_view_model.dart';

/// How a grid stands; a tap leads to it.
class GridCard extends StatelessWidget {
  const GridCard({
    required this.grid,
    required this.overview,
    required this.onTap,
    super.key,
  });

  final GridStanding grid;
  final OverviewViewModel overview;
  final VoidCallback onTap;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context);
    return MergeSemantics(
      child: Card.filled(
        margin: EdgeInsets.zero,
        color: theme.colorScheme.surfaceContainerHigh,
        clipBehavior: Clip.antiAlias,
        child: InkWell(
          onTap: onTap,
          child: Padding(
            padding: const EdgeInsets.all(12),
            child: Column(
              crossAxisAlignment: CrossAxisAlignment.start,
              children: [
                Row(
                  children: [
                    Expanded(
                      child: Text(
                        grid.name,
                        style: theme.textTheme.titleMedium,
                      ),
                    ),
                    const Icon(Icons.chevron_right),
                  ],
                ),
                const SizedBox(height: 4),
                _Alerts(grid),
                const SizedBox(height: 8),
                ValueListenableBuilder(
                  valueListenable: overview.now,
                  builder: (context, now, _) {
                    final freshness = overview.freshness(grid, now);
                    return Column(
                      children: [
                        _Figures(grid, isLive: freshness == Freshness.live),
                        const SizedBox(height: 4),
                        FreshnessLine(freshness, _state(words, freshness, now)),
                        const SizedBox(height: 2),
                        _Devices(
                          grid,
                          isOffline: freshness == Freshness.offline,
                        ),
                      ],
                    );
                  },
                ),
              ],
            ),
          ),
        ),
      ),
    );
  }

  String _state(Words words, Freshness freshness, DateTime now) => [
    words.common.freshnessName(freshness),
    if (grid.newest case final newest?)
      words.overview.newestValue(words.common.age(newest.age(now))),
  ].join(' · ');
}

/// How many alerts are open, by severity.
class _Alerts extends StatelessWidget {
  const _Alerts(this._grid);

  final GridStanding _grid;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).overview;
    final theme = Theme.of(context);
    final open = [
      for (final severity in [
        Severity.critical,
        Severity.warning,
        Severity.info,
      ])
        if (_grid.alerts[severity] case final count? when count > 0)
          (severity, count),
    ];
    if (open.isEmpty) {
      return Row(
        children: [
          Icon(
            Icons.check_circle_outline,
            size: 18,
            color: theme.colorScheme.primary,
          ),
          const SizedBox(width: 6),
          Expanded(
            child: Text(words.noOpenAlerts, style: theme.textTheme.bodySmall),
          ),
        ],
      );
    }
    return Wrap(
      spacing: 6,
      runSpacing: 6,
      children: [
        for (final (severity, count) in open)
          Semantics(
            label: words.openAlerts(count, severity),
            excludeSemantics: true,
            child: _Count(severity, count),
          ),
      ],
    );
  }
}

class _Count extends StatelessWidget {
  const _Count(this._severity, this._count);

  final Severity _severity;
  final int _count;

  @override
  Widget build(BuildContext context) {
    final colours = UrgencyColours.of(_severity);
    return DecoratedBox(
      decoration: BoxDecoration(
        color: colours.background,
        borderRadius: BorderRadius.circular(12),
      ),
      child: Padding(
        padding: const EdgeInsets.symmetric(horizontal: 8, vertical: 3),
        child: Row(
          mainAxisSize: MainAxisSize.min,
          children: [
            Icon(severityIcon(_severity), size: 16, color: colours.foreground),
            const SizedBox(width: 4),
            Text(
              '$_count',
              style: TextStyle(
                color: colours.foreground,
                fontWeight: FontWeight.w500,
              ),
            ),
          ],
        ),
      ),
    );
  }
}

/// The key figures, side by side where they fit.
class _Figures extends StatelessWidget {
  const _Figures(this._grid, {required this.isLive});

  final GridStanding _grid;
  final bool isLive;

  /// Above this, figures stand below each other.
  static const _largeText = 24.0;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context);
    final ink = isLive
        ? theme.colorScheme.onSurface
        : theme.colorScheme.onSurfaceVariant;
    final isLarge = MediaQuery.textScalerOf(context).scale(16) > _largeText;
    Widget name(Metric metric) => Text(
      words.common.metricName(metric),
      style: theme.textTheme.bodySmall?.copyWith(
        color: theme.colorScheme.onSurfaceVariant,
      ),
    );
    Widget value(Metric metric) => Text(
      _value(words, metric),
      style:
          (isLarge ? theme.textTheme.titleMedium : theme.textTheme.titleLarge)
              ?.copyWith(
                color: ink,
                fontFeatures: const [FontFeature.tabularFigures()],
              ),
    );
    if (isLarge) {
      return Column(
        children: [
          for (final metric in Metric.values)
            SizedBox(
              width: double.infinity,
              child: Wrap(
                alignment: WrapAlignment.spaceBetween,
                crossAxisAlignment: WrapCrossAlignment.center,
                spacing: 8,
                children: [name(metric), value(metric)],
              ),
            ),
        ],
      );
    }
    return Row(
      crossAxisAlignment: CrossAxisAlignment.start,
      spacing: 8,
      children: [
        for (final metric in Metric.values)
          Expanded(
            child: Column(
              crossAxisAlignment: CrossAxisAlignment.start,
              children: [
                name(metric),
                FittedBox(
                  fit: BoxFit.scaleDown,
                  alignment: Alignment.centerLeft,
                  child: value(metric),
                ),
              ],
            ),
          ),
      ],
    );
  }

  String _value(Words words, Metric metric) => switch (_grid.values[metric]) {
    final value? => '${words.formats.value(metric, value)} ${metric.unit}',
    null => '–',
  };
}

/// How many of its devices the grid hears.
class _Devices extends StatelessWidget {
  const _Devices(this._grid, {required this.isOffline});

  final GridStanding _grid;

  /// Then it is how it was.
  final bool isOffline;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context).overview;
    final colours = theme.colorScheme;
    final (icon, colour) = switch (_grid) {
      GridStanding(devices: 0) => (Icons.remove_circle_outline, null),
      _ when _grid.connected < _grid.devices => (Icons.link_off, colours.error),
      _ => (Icons.link, colours.primary),
    };
    return Row(
      children: [
        Icon(
          icon,
          size: 16,
          color: isOffline ? colours.onSurfaceVariant : colour,
        ),
        const SizedBox(width: 6),
        Expanded(
          child: Text(
            _grid.devices == 0
                ? words.noDevices
                : words.devicesConnected(_grid.connected, _grid.devices),
            style: theme.textTheme.bodySmall?.copyWith(
              color: theme.colorScheme.onSurfaceVariant,
            ),
          ),
        ),
      ],
    );
  }
}
