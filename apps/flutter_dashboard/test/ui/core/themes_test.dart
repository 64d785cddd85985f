import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/ui/core/chart/chart_style.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  test('text on the colours of alerts can be read', () {
    for (final severity in Severity.values) {
      final colours = UrgencyColours.of(severity);
      expect(
        contrast(colours.background, colours.foreground),
        greaterThanOrEqualTo(4.5),
        reason: severity.name,
      );
    }
  });

  test('every severity has its own colour', () {
    expect(
      Severity.values.map((one) => UrgencyColours.of(one).background).toSet(),
      hasLength(Severity.values.length),
    );
  });

  for (final brightness in Brightness.values) {
    test('lines of a chart can be seen when it is ${brightness.name}', () {
      for (final metric in Metric.values) {
        expect(
          contrast(
            lineColour(metric, brightness),
            themeOf(brightness).colorScheme.surface,
          ),
          greaterThanOrEqualTo(3),
          reason: metric.name,
        );
      }
    });
  }
}

/// After WCAG 2.
double contrast(Color one, Color other) {
  final lights = [one.computeLuminance(), other.computeLuminance()]..sort();
  return (lights.last + 0.05) / (lights.first + 0.05);
}
