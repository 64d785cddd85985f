import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import '../model/history_json.dart';
import '../services/api/signed_in_client.dart';
import 'parsed.dart';

/// What was measured in grids.
abstract interface class HistoryRepository {
  Future<Result<History>> history(String gridId, Metric metric, Period period);
}

/// Over the API.
class RemoteHistoryRepository implements HistoryRepository {
  const RemoteHistoryRepository(this._client);

  final SignedInClient _client;

  @override
  Future<Result<History>> history(
    String gridId,
    Metric metric,
    Period period,
  ) async => parsed(
    await _client.get(
      '/api/historical/$gridId/${metric.wireName}',
      query: {'period': period.wireName, 'points': '400'},
    ),
    (answer) => historyFromJson(answer, metric),
  );
}
