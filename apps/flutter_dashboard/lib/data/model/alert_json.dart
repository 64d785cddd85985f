import '../../domain/models/alert.dart';
import 'json_object.dart';

/// An answer of `GET /api/alerts/{grid_id}?status=active`.
ActiveAlerts activeAlertsFromJson(Object? answer) {
  final json = JsonObject.of(answer);
  return ActiveAlerts(
    alerts: [for (final alert in json.objects('alerts')) _alert(alert)],
    hasMore: json.textOrNull('next_cursor') != null,
  );
}

/// An answer of `PUT /api/alerts/{alert_id}/acknowledge`.
Alert alertFromJson(Object? answer) => _alert(JsonObject.of(answer));

Alert _alert(JsonObject json) {
  final acknowledged = json.objectOrNull('acknowledged');
  return Alert(
    id: json.text('id'),
    severity: _severity(json.text('severity')),
    message: json.text('message'),
    raisedAt: json.time('timestamp'),
    deviceId: json.text('device_id'),
    recommendedAction: json.text('recommended_action'),
    acknowledged: acknowledged == null
        ? null
        : Acknowledgement(
            at: acknowledged.time('at'),
            by: acknowledged.text('by'),
          ),
    notes: [
      for (final note in json.objects('notes'))
        Note(at: note.time('at'), by: note.text('by'), text: note.text('text')),
    ],
  );
}

// A severity of a later version is shown as if it were the most urgent: too much is better than too little.
Severity _severity(String name) =>
    Severity.values.asNameMap()[name] ?? Severity.critical;
