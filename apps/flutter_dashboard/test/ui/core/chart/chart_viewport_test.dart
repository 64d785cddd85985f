import 'dart:math';

import 'package:flutter_dashboard/ui/core/chart/chart_viewport.dart';
import 'package:flutter_test/flutter_test.dart';

const _minute = 60000.0;
const _hour = 60 * _minute;

void main() {
  late ChartViewport viewport;

  setUp(() => viewport = ChartViewport()..setLimits(0, 24 * _hour));
  tearDown(() => viewport.dispose());

  test('all is shown at first', () {
    expect((viewport.start, viewport.end), (0, 24 * _hour));
    expect(viewport.isZoomed, isFalse);
  });

  test('what is zoomed around stays where it is', () {
    viewport.zoom(4, around: 18 * _hour);
    expect(viewport.length, closeTo(6 * _hour, 1e-3));
    expect(
      (18 * _hour - viewport.start) / viewport.length,
      closeTo(0.75, 1e-9),
    );
    expect(viewport.zoomed.value, isTrue);
  });

  test('whatever is done, it keeps to its limits', () {
    final random = Random(3);
    for (var attempt = 0; attempt < 2000; attempt++) {
      switch (random.nextInt(3)) {
        case 0:
          viewport.zoom(
            pow(2, random.nextDouble() * 8 - 4).toDouble(),
            around: viewport.start + random.nextDouble() * viewport.length,
          );
        case 1:
          viewport.pan((random.nextDouble() - 0.5) * 30 * _hour);
        case 2:
          viewport.setLimits(viewport.first + _minute, viewport.last + _minute);
      }
      expect(viewport.start, greaterThanOrEqualTo(viewport.first));
      expect(viewport.end, lessThanOrEqualTo(viewport.last));
      expect(
        viewport.length,
        greaterThanOrEqualTo(ChartViewport.shortest * (1 - 1e-6)),
      );
    }
    viewport.reset();
    expect(viewport.isZoomed, isFalse);
    expect(viewport.zoomed.value, isFalse);
  });

  test('who looks at the newest goes on looking at the newest', () {
    viewport
      ..show(22 * _hour, 24 * _hour)
      ..setLimits(_hour, 25 * _hour);
    expect((viewport.start, viewport.end), (23 * _hour, 25 * _hour));
  });

  test('who looks at the past goes on looking at it', () {
    viewport
      ..show(3 * _hour, 5 * _hour)
      ..setLimits(_hour, 25 * _hour);
    expect((viewport.start, viewport.end), (3 * _hour, 5 * _hour));
  });

  test('nobody is told when nothing has changed', () {
    var told = 0;
    viewport
      ..addListener(() => told++)
      ..pan(_hour)
      ..zoom(0.5, around: _hour)
      ..reset();
    expect(told, 0);
    viewport.zoom(2, around: _hour);
    expect(told, 1);
  });
}
