import 'package:flutter/material.dart';

import '../../../domain/models/history.dart';
import '../../../l10n/words.dart';
import 'chart_geometry.dart';
import 'chart_painter.dart';

/// A curve over time. Touching it shows the value there.
class LineChart extends StatefulWidget {
  const LineChart({required this.history, this.height = 220, super.key});

  final History history;
  final double height;

  @override
  State<LineChart> createState() => _LineChartState();
}

class _LineChartState extends State<LineChart> {
  HistoryPoint? _selected;

  @override
  void didUpdateWidget(LineChart old) {
    super.didUpdateWidget(old);
    final selected = _selected;
    if (widget.history != old.history && selected != null) {
      // The same place on the new curve, as long as it is on the same axis.
      _selected = widget.history.metric == old.history.metric
          ? widget.history.nearest(selected.time)
          : null;
    }
  }

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final words = Words.of(context);
    final textScaler = MediaQuery.textScalerOf(context)
        .clamp(maxScaleFactor: 1.6);
    final labelSize = textScaler.scale(12);
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        Text(
          _reading(words),
          style: theme.textTheme.titleMedium?.copyWith(
            fontFeatures: const [FontFeature.tabularFigures()],
          ),
        ),
        const SizedBox(height: 4),
        Semantics(
          label: _description(words),
          child: LayoutBuilder(
            builder: (context, constraints) {
              final size = Size(constraints.maxWidth, widget.height);
              final geometry = ChartGeometry(
                history: widget.history,
                plot: Rect.fromLTRB(
                  labelSize * 2.6,
                  labelSize * 0.6,
                  size.width - 4,
                  size.height - labelSize * 1.2 - 8,
                ),
                timeLabels: size.width ~/ (labelSize * 5),
              );
              return MouseRegion(
                onHover: (event) => _select(geometry, event.localPosition),
                child: GestureDetector(
                  behavior: HitTestBehavior.opaque,
                  onTapDown: (touch) => _select(geometry, touch.localPosition),
                  onHorizontalDragUpdate: (touch) =>
                      _select(geometry, touch.localPosition),
                  child: RepaintBoundary(
                    child: CustomPaint(
                      size: size,
                      painter: ChartPainter(
                        geometry: geometry,
                        textScaler: textScaler,
                        selected: _selected,
                        style: ChartStyle(
                          line: theme.colorScheme.primary,
                          grid: theme.colorScheme.outlineVariant,
                          label: theme.textTheme.bodySmall!.copyWith(
                            color: theme.colorScheme.onSurfaceVariant,
                          ),
                          crosshair: theme.colorScheme.onSurface,
                          formats: words.formats,
                        ),
                      ),
                    ),
                  ),
                ),
              );
            },
          ),
        ),
      ],
    );
  }

  void _select(ChartGeometry geometry, Offset place) {
    final point = widget.history.nearest(geometry.timeAt(place.dx));
    if (point != _selected) {
      setState(() => _selected = point);
    }
  }

  /// What the crosshair is at; without one the newest value.
  String _reading(Words words) {
    final metric = widget.history.metric;
    final point = _selected ?? _newest;
    if (point == null) {
      return '';
    }
    return words.chart.valueAt(
      '${words.formats.value(metric, point.value)} ${metric.unit}',
      words.formats.time(point.time, now: widget.history.end),
    );
  }

  HistoryPoint? get _newest => widget.history.isEmpty
      ? null
      : widget.history.nearest(widget.history.end);

  String _description(Words words) {
    final history = widget.history;
    if (history.isEmpty) {
      return words.chart.withoutValues;
    }
    final metric = history.metric;
    final values = history.points.toList();
    final lowest = values.map((point) => point.lowest).reduce(_lower);
    final highest = values.map((point) => point.highest).reduce(_higher);
    return words.chart.description(
      words.common.metricTitle(metric),
      words.formats.value(metric, lowest),
      '${words.formats.value(metric, highest)} ${metric.unit}',
    );
  }
}

double _lower(double one, double other) => one < other ? one : other;
double _higher(double one, double other) => one > other ? one : other;
