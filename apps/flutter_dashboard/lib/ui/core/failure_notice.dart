import 'package:flutter/material.dart';

import '../../domain/result.dart';
import '../../l10n/words.dart';

/// Says that something failed, with a way to try it again.
class FailureNotice extends StatelessWidget {
  const FailureNotice({
    required this.failure,
    required this.onRetry,
    super.key,
  });

  final Failure failure;
  final VoidCallback onRetry;

  @override
  Widget build(BuildContext context) => Semantics(
    liveRegion: true,
    child: Center(
      child: Padding(
        padding: const EdgeInsets.all(16),
        child: Column(
          mainAxisSize: MainAxisSize.min,
          children: [
            Icon(
              Icons.error_outline,
              size: 32,
              color: Theme.of(context).colorScheme.error,
            ),
            const SizedBox(height: 8),
            Text(
              Words.of(context).common.failure(failure),
              textAlign: TextAlign.center,
            ),
            const SizedBox(height: 8),
            FilledButton.tonal(
              onPressed: onRetry,
              child: Text(Words.of(context).common.tryAgain),
            ),
          ],
        ),
      ),
    ),
  );
}
