/// How urgent an alert is, the least urgent first.
enum Severity { info, warning, critical }

/// One episode of an alarm.
class Alert {
  const Alert({
    required this.id,
    required this.severity,
    required this.message,
    required this.raisedAt,
    required this.deviceId,
    required this.recommendedAction,
    this.acknowledged,
    this.notes = const [],
  });

  final String id;
  final Severity severity;

  /// What is wrong, whole.
  final String message;

  final DateTime raisedAt;
  final String deviceId;

  /// What to do about it; empty when nobody has written that down.
  final String recommendedAction;

  /// Null while nobody has acknowledged it.
  final Acknowledgement? acknowledged;

  final List<Note> notes;
}

/// Who said that an alert is known.
class Acknowledgement {
  const Acknowledgement({required this.at, required this.by});

  final DateTime at;
  final String by;
}

/// What a person wrote about an alert.
class Note {
  const Note({required this.at, required this.by, required this.text});

  final DateTime at;
  final String by;
  final String text;
}

/// The alerts of a grid that last, as they were at some time.
class ActiveAlerts {
  ActiveAlerts({required List<Alert> alerts, required this.hasMore})
    : alerts = List.unmodifiable(alerts.toList()..sort(_byUrgency));

  /// The most urgent first; of those the ones that nobody knows of yet; of those the newest.
  final List<Alert> alerts;

  /// Whether the server has more than these.
  final bool hasMore;
}

int _byUrgency(Alert one, Alert other) {
  final bySeverity = other.severity.index - one.severity.index;
  if (bySeverity != 0) {
    return bySeverity;
  }
  final isKnown = one.acknowledged != null;
  if (isKnown != (other.acknowledged != null)) {
    return isKnown ? 1 : -1;
  }
  return other.raisedAt.compareTo(one.raisedAt);
}
