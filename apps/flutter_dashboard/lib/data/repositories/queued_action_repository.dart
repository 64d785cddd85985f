import 'dart:async';
import 'dart:math';

import '../../domain/models/alert.dart';
import '../../domain/models/alert_action.dart';
import '../../domain/result.dart';
import '../model/action_json.dart';
import '../services/connection.dart';
import '../services/local/kept_actions.dart';
import 'action_queue.dart';
import 'action_repository.dart';
import 'action_sender.dart';
import 'auth_repository.dart';

/// Actions in a queue: kept before they are sent, one after the other, until the server has taken or refused them.
///
/// Whatever happens in between, an action is carried out once, or not at all: it keeps its key. What the server cannot
/// do for now holds up the later ones of the same alert only.
class QueuedActionRepository extends ActionRepository {
  QueuedActionRepository({
    required ActionSender sender,
    required KeptActions kept,
    required AuthRepository auth,
    required Connection connection,
    DateTime Function() now = DateTime.now,
    Random? random,
  }) : _sender = sender,
       _kept = kept,
       _auth = auth,
       _connection = connection,
       _now = now,
       _random = random ?? Random();

  final ActionSender _sender;
  final KeptActions _kept;
  final AuthRepository _auth;
  final Connection _connection;
  final DateTime Function() _now;
  final Random _random;

  /// Between the first two attempts; it doubles, up to [longestPause].
  static const firstPause = Duration(seconds: 2);
  static const longestPause = Duration(minutes: 1);

  ActionQueue _queue = ActionQueue();
  String? _owner;
  Future<void>? _round;
  Timer? _next;
  int _failures = 0;

  /// Raised when everything is forgotten: what is on its way then concerns nobody any more.
  int _era = 0;

  bool _isPaused = false;
  bool _isDisposed = false;
  late bool _wasOnline = _connection.link == Link.online;

  /// Take up what was kept, and send it.
  Future<void> start() async {
    final (:owner, :actions) = await _kept.load();
    _owner = owner;
    _queue = ActionQueue(actions);
    _auth.addListener(_followLogin);
    _connection.addListener(_followConnection);
    if (_auth.isSignedIn) {
      _followLogin();
    }
  }

  @override
  List<AlertAction> of(String alertId) => List.unmodifiable(
    _queue.actions.where((action) => action.alertId == alertId),
  );

  @override
  List<AlertAction> get pending => List.unmodifiable(_queue.pending);

  @override
  Future<void> submit(AlertAction action) async {
    if (!_auth.isSignedIn || !_queue.add(action)) {
      return;
    }
    _owner = _auth.username;
    await _changed();
    unawaited(sendPending());
  }

  @override
  void forget(String key) {
    _queue.remove(key);
    unawaited(_changed());
  }

  @override
  void pause() {
    _isPaused = true;
    _next?.cancel();
  }

  @override
  void resume() {
    if (_isPaused) {
      _isPaused = false;
      unawaited(sendPending());
    }
  }

  @override
  void dispose() {
    _isDisposed = true;
    _next?.cancel();
    _auth.removeListener(_followLogin);
    _connection.removeListener(_followConnection);
    super.dispose();
  }

  @override
  Future<void> sendPending() => _round ??= _sendRound();

  Future<void> _sendRound() async {
    // So that the round is known as such before it can end.
    await null;
    _next?.cancel();
    final held = <String>{};
    var hasFailed = false;
    var isOver = false;
    while (!isOver && !_isDisposed && _isOwnerSignedIn) {
      final kept = _queue.following(held);
      if (kept == null) {
        break;
      }
      switch (await _attempt(kept)) {
        case _Outcome.answered:
          _failures = 0;
        case _Outcome.later:
          hasFailed = true;
          held.add(kept.action.alertId);
        case _Outcome.noneNow:
          hasFailed = true;
          isOver = true;
      }
    }
    _round = null;
    if (hasFailed) {
      _failures++;
      _tryLater();
    }
  }

  // Not only that somebody is: the next one may be signed in before we are told.
  bool get _isOwnerSignedIn => _auth.isSignedIn && _auth.username == _owner;

  Future<_Outcome> _attempt(KeptAction kept) async {
    final KeptAction(:action) = kept;
    if (hasWaitedTooLong(action, _now())) {
      return _answer(kept, const RefusedAction(WaitedTooLong(), null));
    }
    final era = _era;
    bool isMeant() => era == _era && _queue.has(action.key);
    final wasTried = (action.state as Pending).wasTried;
    // Kept before it is sent: under one key each attempt has to say the same, also after a restart.
    final sent = kept.as(
      Pending(isSending: true, wasTried: wasTried),
      sentMinutes: kept.sentMinutes ?? remainingMinutes(action, _now()),
    );
    await _put(sent);
    if (!isMeant()) {
      return _Outcome.answered;
    }
    final result = _isOwnerSignedIn
        ? await _sender.send(sent)
        : const Failed<Alert>(LoginEnded());
    if (!isMeant()) {
      return _Outcome.answered;
    }
    switch (result) {
      case Ok(:final value):
        return _answer(sent, Accepted(value));
      case Failed(failure: Refused(:final detail) && final refusal)
          when _isFinal(refusal):
        final alert = await _sender.look(action.gridId, action.alertId);
        if (!isMeant()) {
          return _Outcome.answered;
        }
        final why = RefusedByServer(detail);
        return _answer(sent, switch (alert) {
          Ok(:final value) => RefusedAction(why, value),
          Failed() => RefusedAction(why, null),
        });
      case Failed(:final failure):
        // What is refused for want of a login is as if it had never been sent.
        await _put(
          failure is LoginEnded ? kept : sent.as(const Pending(wasTried: true)),
        );
        return switch (failure) {
          Refused() || Unintelligible() => _Outcome.later,
          Unreachable() || LoginEnded() => _Outcome.noneNow,
        };
    }
  }

  Future<_Outcome> _answer(KeptAction kept, ActionState state) async {
    await _put(kept.as(state));
    return _Outcome.answered;
  }

  void _tryLater() {
    if (_isPaused || _isDisposed || !_auth.isSignedIn) {
      return;
    }
    final most = firstPause * pow(2, min(_failures - 1, 5)).toInt();
    final pause = most > longestPause ? longestPause : most;
    // Not all phones of a village at once.
    _next = Timer(
      pause * (0.5 + _random.nextDouble() / 2),
      () => unawaited(sendPending()),
    );
  }

  void _followConnection() {
    final isOnline = _connection.link == Link.online;
    if (isOnline && !_wasOnline) {
      _failures = 0;
      unawaited(sendPending());
    }
    _wasOnline = isOnline;
  }

  void _followLogin() {
    if (_auth.isSignedIn) {
      if (_owner != _auth.username) {
        // Nothing is done in the name of somebody else.
        _forgetAll();
      }
      _owner = _auth.username;
      unawaited(sendPending());
    } else if (!_auth.hasEnded) {
      _forgetAll();
    }
  }

  void _forgetAll() {
    _era++;
    _next?.cancel();
    _failures = 0;
    _queue.clear();
    unawaited(_changed());
  }

  Future<void> _put(KeptAction kept) {
    _queue.put(kept);
    return _changed();
  }

  Future<void> _changed() {
    if (!_isDisposed) {
      notifyListeners();
    }
    return _kept.save(_owner, _queue.toKeep);
  }
}

enum _Outcome {
  /// It has an answer, or needs none any more.
  answered,

  /// The server cannot do this for now.
  later,

  /// The server is not there, or nobody is signed in.
  noneNow,
}

/// Whether the same would be refused again. What does not speak as the API does, such as a proxy, decides nothing.
bool _isFinal(Refused refusal) =>
    refusal.status < 500 &&
    !const {401, 408, 425, 429}.contains(refusal.status) &&
    !refusal.isForNow &&
    refusal.detail.isNotEmpty;
