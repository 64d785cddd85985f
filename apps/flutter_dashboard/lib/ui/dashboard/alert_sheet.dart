import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';
import '../../domain/result.dart';
import '../../l10n/words.dart';
import '../core/severity_icon.dart';
import '../core/themes.dart';
import 'dashboard_view_model.dart';

/// Show all of an alert over the dashboard.
Future<void> showAlert(
  BuildContext context,
  DashboardViewModel dashboard,
  Alert alert,
) => showModalBottomSheet<void>(
  context: context,
  isScrollControlled: true,
  useSafeArea: true,
  showDragHandle: true,
  builder: (context) => _AlertSheet(dashboard, alert),
);

class _AlertSheet extends StatefulWidget {
  const _AlertSheet(this._dashboard, this._opened);

  final DashboardViewModel _dashboard;

  /// As it was when it was opened.
  final Alert _opened;

  @override
  State<_AlertSheet> createState() => _AlertSheetState();
}

class _AlertSheetState extends State<_AlertSheet> {
  Failure? _failure;

  Future<void> _acknowledge(Alert alert) async {
    setState(() => _failure = null);
    final result = await widget._dashboard.acknowledge(alert);
    if (mounted) {
      setState(
        () => _failure = switch (result) {
          Ok() => null,
          Failed(:final failure) => failure,
        },
      );
    }
  }

  @override
  Widget build(BuildContext context) => ListenableBuilder(
    listenable: widget._dashboard,
    builder: (context, _) {
      final current = widget._dashboard.alerts?.alerts
          .where((alert) => alert.id == widget._opened.id)
          .firstOrNull;
      return _contents(
        context,
        current ?? widget._opened,
        hasEnded: current == null,
      );
    },
  );

  Widget _contents(
    BuildContext context,
    Alert alert, {
    required bool hasEnded,
  }) {
    final theme = Theme.of(context);
    final words = Words.of(context);
    final dashboard = words.dashboard;
    return SingleChildScrollView(
      padding: const EdgeInsets.fromLTRB(24, 0, 24, 24),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        mainAxisSize: MainAxisSize.min,
        children: [
          Align(
            alignment: Alignment.centerLeft,
            child: _SeverityBadge(alert.severity),
          ),
          const SizedBox(height: 12),
          Text(alert.message, style: theme.textTheme.titleLarge),
          const SizedBox(height: 16),
          if (alert.recommendedAction.isNotEmpty)
            _Fact(dashboard.whatToDo, alert.recommendedAction),
          _Fact(dashboard.since, words.formats.exactTime(alert.raisedAt)),
          _Fact(dashboard.device, alert.deviceId),
          if (alert.acknowledged case final acknowledged?)
            _Fact(
              dashboard.acknowledged,
              dashboard.whenAndBy(
                words.formats.exactTime(acknowledged.at),
                acknowledged.by,
              ),
            ),
          for (final note in alert.notes)
            _Fact(
              dashboard.whenAndBy(words.formats.exactTime(note.at), note.by),
              note.text,
            ),
          if (hasEnded) _Fact(dashboard.now, dashboard.notActiveAnyMore),
          if (_failure case final failure?)
            Padding(
              padding: const EdgeInsets.only(bottom: 12),
              child: Semantics(
                liveRegion: true,
                child: Text(
                  dashboard.notAcknowledged(words.common.failure(failure)),
                  style: TextStyle(color: theme.colorScheme.error),
                ),
              ),
            ),
          if (alert.acknowledged == null && !hasEnded)
            FilledButton(
              onPressed: widget._dashboard.isAcknowledging(alert.id)
                  ? null
                  : () => unawaited(_acknowledge(alert)),
              child: Text(
                widget._dashboard.isAcknowledging(alert.id)
                    ? dashboard.acknowledging
                    : dashboard.acknowledge,
              ),
            ),
        ],
      ),
    );
  }
}

class _SeverityBadge extends StatelessWidget {
  const _SeverityBadge(this._severity);

  final Severity _severity;

  @override
  Widget build(BuildContext context) {
    final colours = UrgencyColours.of(_severity);
    return DecoratedBox(
      decoration: BoxDecoration(
        color: colours.background,
        borderRadius: BorderRadius.circular(16),
      ),
      child: Padding(
        padding: const EdgeInsets.symmetric(horizontal: 12, vertical: 6),
        child: Row(
          mainAxisSize: MainAxisSize.min,
          children: [
            Icon(severityIcon(_severity), size: 18, color: colours.foreground),
            const SizedBox(width: 8),
            Text(
              Words.of(context).common.severityName(_severity),
              style: TextStyle(
                color: colours.foreground,
                fontWeight: FontWeight.w500,
              ),
            ),
          ],
        ),
      ),
    );
  }
}

class _Fact extends StatelessWidget {
  const _Fact(this._name, this._text);

  final String _name;
  final String _text;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.only(bottom: 12),
      child: MergeSemantics(
        child: Column(
          crossAxisAlignment: CrossAxisAlignment.start,
          children: [
            Text(
              _name,
              style: theme.textTheme.bodySmall?.copyWith(
                color: theme.colorScheme.onSurfaceVariant,
              ),
            ),
            Text(_text, style: theme.textTheme.bodyLarge),
          ],
        ),
      ),
    );
  }
}
