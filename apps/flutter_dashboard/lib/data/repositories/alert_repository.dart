import '../../domain/models/alert.dart';
import '../../domain/result.dart';
import '../model/alert_json.dart';
import '../services/api/signed_in_client.dart';
import '../services/local/last_known.dart';
import 'parsed.dart';

/// The alerts of grids.
abstract interface class AlertRepository {
  /// The active alerts as they last came, at once; null when they never did.
  ActiveAlerts? lastKnownActive(String gridId);

  Future<Result<ActiveAlerts>> active(String gridId);

  /// Say that an alert is known; the answer is how it stands then.
  ///
  /// [key] names what the user did: with one key it is done once, however often it is sent.
  Future<Result<Alert>> acknowledge(String alertId, {required String key});
}

/// Over the API.
class RemoteAlertRepository implements AlertRepository {
  RemoteAlertRepository(
    this._client,
    this._lastKnown, {
    DateTime Function() now = DateTime.now,
  }) : _now = now;

  final SignedInClient _client;
  final LastKnown _lastKnown;
  final DateTime Function() _now;

  @override
  ActiveAlerts? lastKnownActive(String gridId) {
    final kept = _lastKnown.get('alerts/$gridId');
    return kept == null
        ? null
        : orNull(() => activeAlertsFromJson(kept.answer));
  }

  @override
  Future<Result<ActiveAlerts>> active(String gridId) async {
    final result = await _client.get(
      '/api/alerts/$gridId',
      query: {'status': 'active', 'limit': '100'},
    );
    final alerts = parsed(result, activeAlertsFromJson);
    if ((result, alerts) case (Ok(:final value), Ok())) {
      await _lastKnown.put('alerts/$gridId', value, _now());
    }
    return alerts;
  }

  @override
  Future<Result<Alert>> acknowledge(
    String alertId, {
    required String key,
  }) async => parsed(
    await _client.put(
      '/api/alerts/${Uri.encodeComponent(alertId)}/acknowledge',
      key: key,
    ),
    alertFromJson,
  );
}
