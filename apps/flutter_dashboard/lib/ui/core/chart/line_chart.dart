import 'package:flutter/material.dart';

import '../../../domain/models/history.dart';
import '../words.dart';
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
    final textScaler = MediaQuery.textScalerOf(context)
        .clamp(maxScaleFactor: 1.6);
    final labelSize = textScaler.scale(12);
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        Text(
          _reading,
          style: theme.textTheme.titleMedium?.copyWith(
            fontFeatures: const [FontFeature.tabularFigures()],
          ),
        ),
        const SizedBox(height: 4),
        Semantics(
          label: _description,
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
  String get _reading {
    final metric = widget.history.metric;
    final point = _selected ?? _newest;
    if (point == null) {
      return '';
    }
    final when = timeWords(point.time, now: widget.history.end);
    return '${valueWords(metric, point.value)} ${metric.unit} at $when';
  }

  HistoryPoint? get _newest => widget.history.isEmpty
      ? null
      : widget.history.nearest(widget.history.end);

  String get _description {
    final history = widget.history;
    if (history.isEmpty) {
      return 'Chart without values';
    }
    final metric = history.metric;
    final values = history.points.toList();
    final lowest = values.map((point) => point.lowest).reduce(_lower);
    final highest = values.map((point) => point.highest).reduce(_higher);
    return 'Chart of ${metricTitle(metric)}: '
        'from ${valueWords(metric, lowest)} to ${valueWords(metric, highest)} ${metric.unit}';
  }
}

double _lower(double one, double other) => one < other ? one : other;
double _higher(double one, double other) => one > other ? one : other;
