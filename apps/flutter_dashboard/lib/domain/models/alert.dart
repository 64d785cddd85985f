/// How urgent an alert is, the least urgent first.
enum Severity { info, warning, critical }

/// Where an alarm stands in its life, after ISA-18.2.
enum AlarmState {
  /// It is over, and nobody needs to look at it any more.
  normal('normal'),
  unacknowledged('unacknowledged'),
  acknowledged('acknowledged'),

  /// It is over, and nobody has acknowledged it yet.
  returnedUnacknowledged('returned_unacknowledged'),

  /// An operator has put it aside, until a time.
  shelved('shelved'),

  /// What it says follows from something that is known.
  suppressed('suppressed'),

  /// Taken out of service, until somebody puts it back.
  outOfService('out_of_service');

  const AlarmState(this.wireName);

  /// Its name in the API.
  final String wireName;
}

/// One episode of an alarm.
class Alert {
  const Alert({
    required this.id,
    required this.severity,
    required this.message,
    required this.raisedAt,
    required this.deviceId,
    required this.recommendedAction,
    this.gridId = '',
    this.type = '',
    this.ruleId = '',
    this.component,
    this.state = AlarmState.unacknowledged,
    this.lasts = true,
    this.returnedAt,
    this.clearedAt,
    this.acknowledged,
    this.assignedTo,
    this.notes = const [],
    this.shelved,
    this.suppressed,
    this.outOfService,
    this.cameFirst = false,
    this.firstId,
    this.supersededBy,
    this.metrics = const {},
  });

  final String id;
  final String gridId;
  final Severity severity;

  /// What is wrong, whole.
  final String message;

  /// The kind of condition, such as `threshold`; empty when it is not known.
  final String type;

  /// The rule that it belongs to; empty when it is not known.
  final String ruleId;

  final DateTime raisedAt;
  final String deviceId;

  /// The part of the plant that the device watches; null when there is none.
  final String? component;

  /// What to do about it; empty when nobody has written that down.
  final String recommendedAction;

  final AlarmState state;

  /// Whether the alarm lasts, be it put aside or not.
  final bool lasts;

  /// Since when the condition is over of an alarm that lasts until it is acknowledged; null for no other.
  final DateTime? returnedAt;

  /// Null while it lasts.
  final DateTime? clearedAt;

  /// Null while nobody has acknowledged it.
  final Acknowledgement? acknowledged;

  /// Who looks after it; null when nobody was named.
  final String? assignedTo;

  /// In the order in which they were written.
  final List<Note> notes;

  /// Null when it is not shelved; so with the next two.
  final PutAside? shelved;
  final Suppression? suppressed;
  final PutAside? outOfService;

  /// Whether it came first of several that belong together.
  final bool cameFirst;

  /// The alert that came first of those; null when that is this one, or there are none.
  final String? firstId;

  /// The next episode, when that began before this one was acknowledged; else null.
  final String? supersededBy;

  /// The values of the reading that raised it, by their names in the API.
  final Map<String, double> metrics;

  /// Whether somebody still has to say that it is known.
  bool get isUnacknowledged =>
      acknowledged == null && state != AlarmState.normal;
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

/// An alarm that a person has shelved, or taken out of service.
class PutAside {
  const PutAside({
    required this.at,
    required this.by,
    required this.reason,
    this.until,
  });

  final DateTime at;
  final String by;
  final String reason;

  /// When it comes back by itself; null: when somebody takes it back.
  final DateTime? until;
}

/// An alarm that follows from something that is known.
class Suppression {
  const Suppression({required this.cause, required this.by});

  /// What kind of thing that is, as the API calls it, such as `parent_down` or `maintenance`.
  final String cause;

  /// The device that is down, or the maintenance window.
  final String by;
}

/// The alerts of a grid that last, as they were at some time.
class ActiveAlerts {
  ActiveAlerts({required List<Alert> alerts, required this.hasMore})
    : alerts = List.unmodifiable(alerts.toList()..sort(byUrgency));

  /// The most urgent first; of those the ones that nobody knows of yet; of those the newest.
  final List<Alert> alerts;

  /// Whether the server has more than these.
  final bool hasMore;
}

/// The most urgent first; of those the ones that nobody knows of yet; of those the newest.
int byUrgency(Alert one, Alert other) {
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
