import '../../domain/models/history.dart';
import '../../domain/models/metric.dart';
import '../../domain/result.dart';
import '../model/history_json.dart';
import '../services/api/signed_in_client.dart';
import '../services/local/last_known.dart';
import 'parsed.dart';

/// What was measured in grids.
abstract interface class HistoryRepository {
  /// The curve of a period as it last came, at once; null when it never did.
  History? lastKnown(String gridId, Metric metric, Period period);

  /// The curve of a period that ends now.
  Future<Result<History>> history(String gridId, Metric metric, Period period);

  /// The curve between two times, as fine as it is to be had.
  Future<Result<History>> detail(
    String gridId,
    Metric metric,
    DateTime start,
    DateTime end,
  );
}

/// Over the API.
class RemoteHistoryRepository implements HistoryRepository {
  RemoteHistoryRepository(
    this._client,
    this._lastKnown, {
    DateTime Function() now = DateTime.now,
  }) : _now = now;

  final SignedInClient _client;
  final LastKnown _lastKnown;
  final DateTime Function() _now;

  /// Of a curve that is looked at closely.
  static const _mostPoints = 2000;

  @override
  History? lastKnown(String gridId, Metric metric, Period period) {
    final kept = _lastKnown.get(_name(gridId, metric, period));
    return kept == null
        ? null
        : orNull(() => historyFromJson(kept.answer, metric));
  }

  @override
  Future<Result<History>> history(
    String gridId,
    Metric metric,
    Period period,
  ) async {
    final result = await _client.get(
      '/api/historical/$gridId/${metric.wireName}',
      query: {'period': period.wireName, 'points': '400'},
    );
    final history = parsed(result, (answer) => historyFromJson(answer, metric));
    if ((result, history) case (Ok(:final value), Ok())) {
      await _lastKnown.put(_name(gridId, metric, period), value, _now());
    }
    return history;
  }

  @override
  Future<Result<History>> detail(
    String gridId,
    Metric metric,
    DateTime start,
    DateTime end,
  ) async => parsed(
    await _client.get(
      '/api/historical/$gridId/${metric.wireName}',
      query: {
        'period':
            '${start.toUtc().toIso8601String()}/${end.toUtc().toIso8601String()}',
        'points': '$_mostPoints',
      },
    ),
    (answer) => historyFromJson(answer, metric),
  );
}

String _name(String gridId, Metric metric, Period period) =>
    'history/$gridId/${metric.wireName}/${period.wireName}';
