import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:flutter_dashboard/data/repositories/alert_repository.dart';
import 'package:flutter_dashboard/data/repositories/auth_repository.dart';
import 'package:flutter_dashboard/data/repositories/grid_repository.dart';
import 'package:flutter_dashboard/data/repositories/history_repository.dart';
import 'package:flutter_dashboard/domain/models/alert.dart';
import 'package:flutter_dashboard/domain/models/grid_summary.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/domain/result.dart';

import 'models.dart' as models;
import 'models.dart' show activeAlerts, alert, kGrid, kNow;

class FakeGridRepository implements GridRepository {
  Result<List<Grid>> gridsAnswer = const Ok([kGrid]);
  Result<GridSummary> summaryAnswer = Ok(models.summary());
  List<Grid> keptGrids = const [];
  GridSummary? keptSummary;
  int summariesAsked = 0;

  @override
  List<Grid> lastKnownGrids() => keptGrids;

  @override
  Future<Result<List<Grid>>> grids() async {
    // No answer comes at once.
    await Future<void>.value();
    if (gridsAnswer case Ok(:final value)) {
      areSeveral.value = value.length > 1;
    }
    return gridsAnswer;
  }

  @override
  final ValueNotifier<bool> areSeveral = ValueNotifier(false);

  @override
  GridSummary? lastKnownSummary(String gridId) => keptSummary;

  @override
  Future<Result<GridSummary>> summary(String gridId) async {
    summariesAsked++;
    return summaryAnswer;
  }
}

class FakeAlertRepository implements AlertRepository {
  Result<ActiveAlerts> activeAnswer = Ok(activeAlerts());
  ActiveAlerts? kept;
  final acknowledgedIds = <String>[];
  final keys = <String>[];

  /// Answers wait for this, when it is there.
  Completer<void>? held;
  Failure? acknowledgeFailure;

  @override
  ActiveAlerts? lastKnownActive(String gridId) => kept;

  @override
  Future<Result<ActiveAlerts>> active(String gridId) async {
    final answer = activeAnswer;
    await held?.future;
    return answer;
  }

  @override
  Future<Result<Alert>> acknowledge(
    String alertId, {
    required String key,
  }) async {
    acknowledgedIds.add(alertId);
    keys.add(key);
    if (acknowledgeFailure case final failure?) {
      return Failed(failure);
    }
    return Ok(
      alert(
        id: alertId,
        acknowledged: Acknowledgement(at: kNow, by: 'amina'),
      ),
    );
  }
}

class FakeHistoryRepository implements HistoryRepository {
  Result<History> Function(Metric metric, Period period) answer = (
    metric,
    period,
  ) => Ok(models.history(metric: metric, period: period));
  Result<History> Function(Metric metric, DateTime start, DateTime end)
  detailAnswer = (metric, start, end) => const Failed(Unreachable());
  final kept = <(Metric, Period), History>{};
  final asked = <(String, Metric, Period)>[];
  final detailsAsked = <(Metric, DateTime, DateTime)>[];

  /// Answers wait for this, when it is there.
  Completer<void>? held;

  @override
  Future<Result<History>> history(
    String gridId,
    Metric metric,
    Period period,
  ) async {
    asked.add((gridId, metric, period));
    await held?.future;
    return answer(metric, period);
  }

  @override
  History? lastKnown(String gridId, Metric metric, Period period) =>
      kept[(metric, period)];

  @override
  Future<Result<History>> detail(
    String gridId,
    Metric metric,
    DateTime start,
    DateTime end,
  ) async {
    detailsAsked.add((metric, start, end));
    await held?.future;
    return detailAnswer(metric, start, end);
  }
}

/// Somebody who is signed in, or is not.
class FakeAuth extends AuthRepository {
  FakeAuth({this.isSignedIn = true});

  @override
  bool isSignedIn;

  @override
  String? username = 'amina';

  @override
  bool hasEnded = false;

  Result<void> answer = const Ok(null);
  final attempts = <(String, String)>[];

  @override
  Future<Result<void>> signIn(String username, String password) async {
    attempts.add((username, password));
    if (answer is Ok) {
      isSignedIn = true;
      notifyListeners();
    }
    return answer;
  }

  @override
  Future<void> signOut() async {
    isSignedIn = false;
    notifyListeners();
  }

  /// The server has ended the login.
  void end() {
    hasEnded = true;
    isSignedIn = false;
    notifyListeners();
  }
}
