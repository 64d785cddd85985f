import 'package:flutter/material.dart';

import '../../../domain/models/metric.dart';

/// How a chart looks.
@immutable
class ChartStyle {
  const ChartStyle({
    required this.brightness,
    required this.grid,
    required this.midnight,
    required this.label,
    required this.crosshair,
    required this.background,
    required this.textScaler,
  });

  factory ChartStyle.of(BuildContext context) {
    final theme = Theme.of(context);
    return ChartStyle(
      brightness: theme.brightness,
      grid: theme.colorScheme.outlineVariant,
      midnight: theme.colorScheme.outline.withValues(alpha: 0.45),
      label: theme.textTheme.bodySmall!.copyWith(
        color: theme.colorScheme.onSurfaceVariant,
      ),
      crosshair: theme.colorScheme.onSurface,
      background: theme.colorScheme.surface,
      textScaler: MediaQuery.textScalerOf(context).clamp(maxScaleFactor: 1.6),
    );
  }

  ChartStyle copyWith({TextStyle? label, TextScaler? textScaler}) => ChartStyle(
    brightness: brightness,
    grid: grid,
    midnight: midnight,
    label: label ?? this.label,
    crosshair: crosshair,
    background: background,
    textScaler: textScaler ?? this.textScaler,
  );

  final Brightness brightness;
  final Color grid;

  /// Of the line where a day begins.
  final Color midnight;

  final TextStyle label;
  final Color crosshair;
  final Color background;
  final TextScaler textScaler;

  /// Of a line of text, in logical pixels.
  double get lineHeight => textScaler.scale(label.fontSize ?? 12) * 1.3;

  /// Of the labels of one axis, in logical pixels.
  double get axisWidth => textScaler.scale(label.fontSize ?? 12) * 2.8;

  Color line(Metric metric) => lineColour(metric, brightness);

  @override
  bool operator ==(Object other) =>
      other is ChartStyle &&
      other.brightness == brightness &&
      other.grid == grid &&
      other.midnight == midnight &&
      other.label == label &&
      other.crosshair == crosshair &&
      other.background == background &&
      other.textScaler == textScaler;

  @override
  int get hashCode => Object.hash(
    brightness,
    grid,
    midnight,
    label,
    crosshair,
    background,
    textScaler,
  );
}

/// The colour of a metric's line; told apart with any kind of colour vision, with a contrast of 3 and more.
Color lineColour(Metric metric, Brightness brightness) =>
    switch ((metric, brightness)) {
      (Metric.consumption, Brightness.light) => const Color(0xFF00695C),
      (Metric.generation, Brightness.light) => const Color(0xFFB85C00),
      (Metric.stateOfCharge, Brightness.light) => const Color(0xFF5B3FBF),
      (Metric.consumption, Brightness.dark) => const Color(0xFF6FD8C5),
      (Metric.generation, Brightness.dark) => const Color(0xFFFFB25C),
      (Metric.stateOfCharge, Brightness.dark) => const Color(0xFFBDA9FF),
    };
