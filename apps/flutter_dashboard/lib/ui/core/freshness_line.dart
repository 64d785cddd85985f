import 'package:flutter/material.dart';

import '../../domain/models/freshness.dart';

/// How far a value can be relied on, as an icon and in words.
class FreshnessLine extends StatelessWidget {
  const FreshnessLine(this.freshness, this.text, {super.key});

  final Freshness freshness;
  final String text;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final colours = theme.colorScheme;
    return Row(
      children: [
        Icon(
          switch (freshness) {
            Freshness.live => Icons.sensors,
            Freshness.stale => Icons.history,
            Freshness.unknown => Icons.help_outline,
            Freshness.offline => Icons.cloud_off,
          },
          size: 16,
          color: switch (freshness) {
            Freshness.live => colours.primary,
            Freshness.stale => colours.error,
            Freshness.unknown || Freshness.offline => colours.onSurfaceVariant,
          },
        ),
        const SizedBox(width: 6),
        Expanded(
          child: Text(
            text,
            style: theme.textTheme.bodySmall?.copyWith(
              color: colours.onSurfaceVariant,
            ),
          ),
        ),
      ],
    );
  }
}
