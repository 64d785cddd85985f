import 'package:flutter/material.dart';

import '../../../l10n/words.dart';
import 'chart_line.dart';
import 'chart_pointing.dart';
import 'chart_summary.dart';

/// What a screen reader tells of the chart, and lets step through it.
class DescribedChart extends StatelessWidget {
  const DescribedChart({
    required this.lines,
    required this.crosshair,
    required this.pointing,
    required this.words,
    required this.child,
    super.key,
  });

  final List<PreparedLine> lines;
  final ValueNotifier<double?> crosshair;
  final ChartPointing pointing;
  final Words words;
  final Widget child;

  @override
  Widget build(BuildContext context) {
    // Not again for each place that is pointed at: it looks at all values.
    final label = chartSummary(words, [for (final line in lines) line.line]);
    return ValueListenableBuilder(
      valueListenable: crosshair,
      builder: (context, time, child) => _at(time, label, child),
      child: child,
    );
  }

  Widget _at(double? time, String label, Widget? child) {
    final here = time ?? pointing.nextTo(null, -1);
    if (here == null) {
      return Semantics(container: true, label: label, child: child);
    }
    return Semantics(
      container: true,
      label: label,
      value: _told(here),
      increasedValue: _told(pointing.nextTo(time, 1) ?? here),
      decreasedValue: _told(pointing.nextTo(time, -1) ?? here),
      onIncrease: () => pointing.step(1),
      onDecrease: () => pointing.step(-1),
      child: child,
    );
  }

  String _told(double time) =>
      readingsSummary(words, lines, time, slack: pointing.viewport.slack);
}
