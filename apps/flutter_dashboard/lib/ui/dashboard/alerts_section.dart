import 'dart:async';

import 'package:flutter/material.dart';

import '../../domain/models/alert.dart';
import '../../l10n/words.dart';
import '../core/section.dart';
import '../core/severity_icon.dart';
import '../core/themes.dart';
import 'alert_sheet.dart';
import 'dashboard_view_model.dart';

/// The active alerts, the most urgent first.
class AlertsSection extends StatefulWidget {
  const AlertsSection(this._dashboard, {super.key});

  final DashboardViewModel _dashboard;

  @override
  State<AlertsSection> createState() => _AlertsSectionState();
}

class _AlertsSectionState extends State<AlertsSection> {
  bool _areAllShown = false;

  /// More are shown when somebody asks for them: the key figures stay in sight.
  static const _shownAtFirst = 3;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).dashboard;
    final active = widget._dashboard.alerts;
    final alerts = active?.alerts ?? const [];
    final hasMore = active?.hasMore ?? false;
    final shown = _areAllShown ? alerts : alerts.take(_shownAtFirst).toList();
    return Section(
      title: alerts.isEmpty
          ? words.alerts
          : words.alertsTitle(alerts.length, hasMore: hasMore),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          if (alerts.isEmpty) _NoAlerts(isKnown: active != null),
          for (final alert in shown)
            Padding(
              padding: const EdgeInsets.only(bottom: 8),
              child: _AlertTile(
                alert: alert,
                now: widget._dashboard.now.value,
                onTap: () =>
                    unawaited(showAlert(context, widget._dashboard, alert)),
              ),
            ),
          if (alerts.length > _shownAtFirst)
            TextButton(
              style: TextButton.styleFrom(
                minimumSize: const Size(smallestTarget, smallestTarget),
              ),
              onPressed: () => setState(() => _areAllShown = !_areAllShown),
              child: Text(
                _areAllShown ? words.showFewer : words.showAll(alerts.length),
              ),
            ),
        ],
      ),
    );
  }
}

class _NoAlerts extends StatelessWidget {
  const _NoAlerts({required this.isKnown});

  final bool isKnown;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context).dashboard;
    return ConstrainedBox(
      constraints: const BoxConstraints(minHeight: smallestTarget),
      child: Row(
        children: [
          Icon(
            isKnown ? Icons.check_circle_outline : Icons.help_outline,
            color: Theme.of(context).colorScheme.primary,
          ),
          const SizedBox(width: 12),
          Expanded(
            child: Text(isKnown ? words.noAlerts : words.alertsNotKnown),
          ),
        ],
      ),
    );
  }
}

class _AlertTile extends StatelessWidget {
  const _AlertTile({
    required this.alert,
    required this.now,
    required this.onTap,
  });

  final Alert alert;
  final DateTime now;
  final VoidCallback onTap;

  @override
  Widget build(BuildContext context) {
    final words = Words.of(context);
    final colours = UrgencyColours.of(alert.severity);
    final theme = Theme.of(context).textTheme;
    final small = theme.bodySmall?.copyWith(color: colours.foreground);
    return Material(
      color: colours.background,
      borderRadius: BorderRadius.circular(12),
      clipBehavior: Clip.antiAlias,
      child: InkWell(
        onTap: onTap,
        child: ConstrainedBox(
          constraints: const BoxConstraints(minHeight: smallestTarget),
          child: Padding(
            padding: const EdgeInsets.all(12),
            child: Row(
              children: [
                Icon(
                  severityIcon(alert.severity),
                  color: colours.foreground,
                  semanticLabel: words.common.severityName(alert.severity),
                ),
                const SizedBox(width: 12),
                Expanded(
                  child: Column(
                    crossAxisAlignment: CrossAxisAlignment.start,
                    children: [
                      Text(
                        alert.message,
                        // Concise; but not cut off where text is large.
                        maxLines:
                            MediaQuery.textScalerOf(context).scale(16) > 20
                            ? 4
                            : 2,
                        overflow: TextOverflow.ellipsis,
                        style: theme.bodyLarge?.copyWith(
                          color: colours.foreground,
                          fontWeight: FontWeight.w500,
                        ),
                      ),
                      const SizedBox(height: 2),
                      Text(
                        [
                          words.formats.time(alert.raisedAt, now: now),
                          alert.deviceId,
                          if (alert.acknowledged case final acknowledged?)
                            words.dashboard.acknowledgedBy(acknowledged.by),
                        ].join(' · '),
                        style: small,
                      ),
                    ],
                  ),
                ),
                Icon(Icons.chevron_right, color: colours.foreground),
              ],
            ),
          ),
        ),
      ),
    );
  }
}
