import 'package:flutter/foundation.dart';

import '../../domain/models/grid_summary.dart';
import '../../domain/result.dart';
import '../model/grid_json.dart';
import '../services/api/signed_in_client.dart';
import '../services/local/last_known.dart';
import 'parsed.dart';

/// The grids that the user may see, and how they stand.
abstract interface class GridRepository {
  /// The grids as they last came, at once; empty when none ever did.
  List<Grid> lastKnownGrids();

  /// At most [mostAtOnce] of them.
  Future<Result<List<Grid>>> grids();

  /// Whether there is more than one, as far as is known.
  ValueListenable<bool> get areSeveral;

  /// The overview has all of them.
  static const mostAtOnce = 200;

  /// How a grid stood when that last came, at once; null when it never did.
  GridSummary? lastKnownSummary(String gridId);

  Future<Result<GridSummary>> summary(String gridId);
}

/// Over the API.
class RemoteGridRepository implements GridRepository {
  RemoteGridRepository(
    this._client,
    this._lastKnown, {
    DateTime Function() now = DateTime.now,
  }) : _now = now {
    _areSeveral.value = lastKnownGrids().length > 1;
  }

  final SignedInClient _client;
  final LastKnown _lastKnown;
  final DateTime Function() _now;
  final _areSeveral = ValueNotifier(false);

  @override
  ValueListenable<bool> get areSeveral => _areSeveral;

  @override
  List<Grid> lastKnownGrids() {
    final kept = _lastKnown.get('grids');
    return kept == null
        ? const []
        : orNull(() => gridsFromJson(kept.answer)) ?? const [];
  }

  @override
  Future<Result<List<Grid>>> grids() async {
    final result = await _client.get(
      '/api/overview',
      query: {'limit': '${GridRepository.mostAtOnce}'},
    );
    final grids = parsed(result, gridsFromJson);
    if (grids case Ok(:final value)) {
      _areSeveral.value = value.length > 1;
    }
    await _keep('grids', result, grids);
    return grids;
  }

  @override
  GridSummary? lastKnownSummary(String gridId) {
    final kept = _lastKnown.get('summary/$gridId');
    return kept == null
        ? null
        : orNull(() => summaryFromJson(kept.answer, kept.receivedAt));
  }

  @override
  Future<Result<GridSummary>> summary(String gridId) async {
    final result = await _client.get('/api/dashboard/summary/$gridId');
    final receivedAt = _now();
    final summary = parsed(
      result,
      (answer) => summaryFromJson(answer, receivedAt),
    );
    await _keep('summary/$gridId', result, summary);
    return summary;
  }

  Future<void> _keep(
    String name,
    Result<Object?> result,
    Result<Object?> understood,
  ) async {
    if ((result, understood) case (Ok(:final value), Ok())) {
      await _lastKnown.put(name, value, _now());
    }
  }
}
