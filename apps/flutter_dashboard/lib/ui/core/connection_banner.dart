import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';
import '../../domain/result.dart';
import '../../l10n/words.dart';
import 'themes.dart';

/// Says when what is shown is not what the server says right now; else it is not there.
class ConnectionBanner extends StatelessWidget {
  const ConnectionBanner({
    required this.isConnecting,
    required this.failure,
    required this.receivedAt,
    required this.now,
    required this.onRetry,
    super.key,
  });

  /// Whether the server has not answered yet.
  final bool isConnecting;

  /// Why it is not what the server says; null when it is.
  final Failure? failure;

  /// Of when it is; null when nothing is shown.
  final DateTime? receivedAt;

  final DateTime now;
  final VoidCallback onRetry;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    final failure = this.failure;
    if (isConnecting) {
      return LinearProgressIndicator(
        semanticsLabel: words.dashboard.connecting,
      );
    }
    if (failure == null) {
      return const SizedBox.shrink();
    }
    final colours = UrgencyColours.of(Severity.warning);
    return Semantics(
      liveRegion: true,
      container: true,
      child: ColoredBox(
        color: colours.background,
        child: Padding(
          padding: const EdgeInsets.fromLTRB(16, 4, 8, 4),
          child: Row(
            children: [
              Icon(
                failure is Unreachable
                    ? Icons.cloud_off
                    : Icons.warning_amber_rounded,
                color: colours.foreground,
              ),
              const SizedBox(width: 12),
              Expanded(
                child: Text(
                  _text(words, failure),
                  style: TextStyle(color: colours.foreground),
                ),
              ),
              TextButton(
                style: TextButton.styleFrom(
                  foregroundColor: colours.foreground,
                  minimumSize: const Size(smallestTarget, smallestTarget),
                ),
                onPressed: onRetry,
                child: Text(words.common.retry),
              ),
            ],
          ),
        ),
      ),
    );
  }

  String _text(Words words, Failure failure) {
    if (failure is! Unreachable) {
      return words.common.failure(failure);
    }
    final receivedAt = this.receivedAt;
    return receivedAt == null
        ? words.dashboard.offline
        : words.dashboard.offlineSince(
            words.formats.time(receivedAt, now: now),
          );
  }
}
