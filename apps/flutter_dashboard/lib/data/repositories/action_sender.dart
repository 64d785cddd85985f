import '../../domain/models/alert.dart';
import '../../domain/models/alert_action.dart';
import '../../domain/result.dart';
import '../model/action_json.dart';
import '../model/alert_json.dart';
import '../services/api/signed_in_client.dart';
import 'parsed.dart';

/// Tells the server what a user does about an alert.
abstract interface class ActionSender {
  /// The answer is the alert as it stands then.
  Future<Result<Alert>> send(KeptAction action);

  /// An alert as it stands.
  Future<Result<Alert>> look(String gridId, String alertId);
}

/// Over the API.
class RemoteActionSender implements ActionSender {
  const RemoteActionSender(this._client);

  final SignedInClient _client;

  @override
  Future<Result<Alert>> send(KeptAction kept) async {
    final action = kept.action;
    final alert = '/api/alerts/${Uri.encodeComponent(action.alertId)}';
    final text = action.text;
    return parsed(await switch (action.kind) {
      ActionKind.acknowledge => _client.put(
        '$alert/acknowledge',
        key: action.key,
        body: text == null ? null : {'note': text},
      ),
      ActionKind.shelve => _client.post(
        '$alert/shelve',
        key: action.key,
        body: {
          'minutes': kept.sentMinutes ?? action.shelveFor?.inMinutes,
          'reason': text,
        },
      ),
      ActionKind.unshelve => _client.post('$alert/unshelve', key: action.key),
      ActionKind.note => _client.post(
        '$alert/note',
        key: action.key,
        body: {'text': text},
      ),
    }, alertFromJson);
  }

  @override
  Future<Result<Alert>> look(String gridId, String alertId) async => parsed(
    await _client.get(
      '/api/alerts/${Uri.encodeComponent(gridId)}/${Uri.encodeComponent(alertId)}',
    ),
    alertFromJson,
  );
}
