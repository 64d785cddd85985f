import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';

/// Touch targets have at least this side.
const smallestTarget = 48.0;

/// The letters of Hindi. The app does not bring them: phones have them, and Linux with its Noto fonts.
const devanagari = 'Noto Sans Devanagari';

/// The look of the app.
ThemeData themeOf(Brightness brightness) {
  final colours = ColorScheme.fromSeed(
    seedColor: const Color(0xFF00695C),
    brightness: brightness,
  );
  return ThemeData(
    colorScheme: colours,
    fontFamily: 'Roboto',
    fontFamilyFallback: const [devanagari],
    materialTapTargetSize: MaterialTapTargetSize.padded,
    visualDensity: VisualDensity.standard,
    inputDecorationTheme: const InputDecorationTheme(
      border: OutlineInputBorder(),
    ),
    filledButtonTheme: FilledButtonThemeData(
      style: FilledButton.styleFrom(
        minimumSize: const Size(smallestTarget, smallestTarget),
      ),
    ),
  );
}

/// The colours of something urgent; text on the background has a contrast of at least 4.5.
class UrgencyColours {
  const UrgencyColours({required this.background, required this.foreground});

  /// Of an alert; the same in light and dark, so that red is red.
  factory UrgencyColours.of(Severity severity) => switch (severity) {
    Severity.critical => const UrgencyColours(
      background: Color(0xFFB3261E),
      foreground: Color(0xFFFFFFFF),
    ),
    Severity.warning => const UrgencyColours(
      background: Color(0xFFFFC94D),
      foreground: Color(0xFF2B1D00),
    ),
    Severity.info => const UrgencyColours(
      background: Color(0xFFCFE3F7),
      foreground: Color(0xFF0B2B4A),
    ),
  };

  final Color background;
  final Color foreground;
}
