import '../../domain/models/grid_standing.dart';
import '../../domain/result.dart';
import '../model/overview_json.dart';
import '../services/api/signed_in_client.dart';
import '../services/local/last_known.dart';
import 'parsed.dart';

/// How all the grids stand that the user may see.
abstract interface class OverviewRepository {
  /// As it last came, at once; null when it never did.
  Overview? lastKnown();

  /// All of them; nothing of it when a part does not come.
  Future<Result<Overview>> overview();
}

/// Over the API, page by page.
class RemoteOverviewRepository implements OverviewRepository {
  RemoteOverviewRepository(
    this._client,
    this._lastKnown, {
    DateTime Function() now = DateTime.now,
  }) : _now = now;

  final SignedInClient _client;
  final LastKnown _lastKnown;
  final DateTime Function() _now;

  static const _name = 'overview';

  /// As many as the server gives at once.
  static const _pageSize = 200;

  @override
  Overview? lastKnown() => switch (_lastKnown.get(_name)) {
    (answer: final List<Object?> grids, :final receivedAt) => orNull(
      () => overviewFromJson(grids, receivedAt),
    ),
    _ => null,
  };

  @override
  Future<Result<Overview>> overview() async {
    final all = <Object?>[];
    // Ages are those of the first page: nothing looks newer than it is.
    final receivedAt = _now();
    String? next;
    do {
      final page = parsed(
        await _client.get(
          '/api/overview',
          query: {'limit': '$_pageSize', 'cursor': ?next},
        ),
        pageFromJson,
      );
      switch (page) {
        case Ok(:final value):
          all.addAll(value.grids);
          next = value.next;
        case Failed(:final failure):
          return Failed(failure);
      }
    } while (next != null);
    final overview = parsed(Ok(all), (_) => overviewFromJson(all, receivedAt));
    if (overview is Ok) {
      await _lastKnown.put(_name, all, receivedAt);
    }
    return overview;
  }
}
