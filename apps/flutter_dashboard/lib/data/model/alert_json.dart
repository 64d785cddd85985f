import '../../domain/models/alert.dart';
import '../../domain/models/alert_page.dart';
import 'json_object.dart';

/// An answer of `GET /api/alerts/{grid_id}?status=active`.
ActiveAlerts activeAlertsFromJson(Object? answer) {
  final json = JsonObject.of(answer);
  return ActiveAlerts(
    alerts: [for (final alert in json.objects('alerts')) _alert(alert)],
    hasMore: json.textOrNull('next_cursor') != null,
  );
}

/// An answer of `GET /api/alerts/{grid_id}`.
AlertPage alertPageFromJson(Object? answer) {
  final json = JsonObject.of(answer);
  return AlertPage(
    alerts: [for (final alert in json.objects('alerts')) _alert(alert)],
    next: json.textOrNull('next_cursor'),
  );
}

/// An alert by itself, as `GET /api/alerts/{grid_id}/{alert_id}` and every action answers it.
Alert alertFromJson(Object? answer) => _alert(JsonObject.of(answer));

Alert _alert(JsonObject json) {
  final acknowledged = json.objectOrNull('acknowledged');
  return Alert(
    id: json.text('id'),
    gridId: json.textOrNull('grid_id') ?? '',
    severity: _severity(json.text('severity')),
    message: json.text('message'),
    type: json.textOrNull('type') ?? '',
    ruleId: json.textOrNull('rule_id') ?? '',
    raisedAt: json.time('timestamp'),
    deviceId: json.text('device_id'),
    component: json.textOrNull('component'),
    recommendedAction: json.text('recommended_action'),
    state: _state(json.textOrNull('state')),
    lasts: json.textOrNull('status') != 'resolved',
    returnedAt: json.timeOrNull('returned_at'),
    clearedAt: json.timeOrNull('cleared_at'),
    acknowledged: acknowledged == null
        ? null
        : Acknowledgement(
            at: acknowledged.time('at'),
            by: acknowledged.text('by'),
          ),
    assignedTo: json.textOrNull('assigned_to'),
    notes: [
      for (final note in json.objects('notes'))
        Note(at: note.time('at'), by: note.text('by'), text: note.text('text')),
    ],
    shelved: _putAside(json.objectOrNull('shelved')),
    suppressed: _suppression(json.objectOrNull('suppressed')),
    outOfService: _putAside(json.objectOrNull('out_of_service')),
    cameFirst: json.fields['first_out'] == true,
    firstId: json.textOrNull('first_out_id'),
    supersededBy: json.textOrNull('superseded_by'),
    metrics: _metrics(json.objectOrNull('metrics')),
  );
}

PutAside? _putAside(JsonObject? json) => json == null
    ? null
    : PutAside(
        at: json.time('at'),
        by: json.text('by'),
        reason: json.text('reason'),
        until: json.timeOrNull('until'),
      );

Suppression? _suppression(JsonObject? json) => json == null
    ? null
    : Suppression(cause: json.text('cause'), by: json.text('by'));

Map<String, double> _metrics(JsonObject? json) => json == null
    ? const {}
    : {for (final name in json.fields.keys) name: json.number(name)};

// A severity of a later version is shown as if it were the most urgent: too much is better than too little.
Severity _severity(String name) =>
    Severity.values.asNameMap()[name] ?? Severity.critical;

// So with a state: it is shown as one that somebody has to look at.
AlarmState _state(String? name) => AlarmState.values.firstWhere(
  (state) => state.wireName == name,
  orElse: () => AlarmState.unacknowledged,
);
