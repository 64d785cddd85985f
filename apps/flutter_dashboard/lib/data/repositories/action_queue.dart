import '../../domain/models/alert_action.dart';
import '../model/action_json.dart';

/// The actions of one user in the order in which they were done, and what may become of them.
class ActionQueue {
  ActionQueue([Iterable<KeptAction> actions = const []])
    : _actions = actions.toList();

  /// What has waited longer is not sent unasked: a shift is over then, and others have looked at the alarm. It is well
  /// within the 24 hours for which the server remembers keys.
  static const longestWait = Duration(hours: 12);

  /// More do not wait: nobody does so much about alarms without a network.
  static const mostPending = 100;

  /// Of what was answered the newest are shown.
  static const mostAnswered = 50;

  List<KeptAction> _actions;

  Iterable<AlertAction> get actions => _actions.map((kept) => kept.action);

  Iterable<AlertAction> get pending =>
      actions.where((action) => action.isPending);

  /// What has to last over restarts: what was taken shows on the alert itself.
  List<KeptAction> get toKeep => [
    for (final kept in _actions)
      if (kept.action.state is! Accepted) kept,
  ];

  bool has(String key) => actions.any((action) => action.key == key);

  /// Take something that was done. False: the same waits already.
  bool add(AlertAction action) {
    if (has(action.key) || pending.any((other) => _saysAll(other, action))) {
      return false;
    }
    final isFull = pending.length >= mostPending;
    // What is done again takes the place of what was answered.
    _actions.removeWhere(
      (kept) =>
          !kept.action.isPending &&
          kept.action.alertId == action.alertId &&
          kept.action.kind == action.kind,
    );
    _actions.add(
      KeptAction(
        isFull ? action.as(const RefusedAction(TooManyWait(), null)) : action,
      ),
    );
    _dropOldAnswers();
    return true;
  }

  /// Put one in the place of what has its key; nothing, when that is not there any more.
  void put(KeptAction kept) {
    final index = _actions.indexWhere(
      (other) => other.action.key == kept.action.key,
    );
    if (index >= 0) {
      _actions[index] = kept;
      _dropOldAnswers();
    }
  }

  void remove(String key) =>
      _actions.removeWhere((kept) => kept.action.key == key);

  void clear() => _actions = [];

  /// The first that waits about an alert that is not [held] up; null when there is none.
  KeptAction? following(Set<String> held) => _actions
      .where(
        (kept) => kept.action.isPending && !held.contains(kept.action.alertId),
      )
      .firstOrNull;

  void _dropOldAnswers() {
    final answered = _actions.where((kept) => !kept.action.isPending).toList();
    for (var index = 0; index < answered.length - mostAnswered; index++) {
      _actions.remove(answered[index]);
    }
  }
}

/// Whether [one], while it waits, makes [other] needless.
bool _saysAll(AlertAction one, AlertAction other) =>
    one.alertId == other.alertId &&
    one.kind == ActionKind.acknowledge &&
    other.kind == ActionKind.acknowledge &&
    other.text == null;

/// Whether [action] may not be meant any more at [now].
bool hasWaitedTooLong(AlertAction action, DateTime now) {
  final minutes = remainingMinutes(action, now);
  return _age(action, now) > ActionQueue.longestWait ||
      (minutes != null && minutes <= 0);
}

/// How long an alarm is still to be shelved at [now]; null for what shelves nothing.
int? remainingMinutes(AlertAction action, DateTime now) {
  final span = action.shelveFor;
  return span == null
      ? null
      : ((span - _age(action, now)).inSeconds / 60).ceil();
}

Duration _age(AlertAction action, DateTime now) {
  final age = now.difference(action.madeAt);
  // The clock of a device may be set back.
  return age.isNegative ? Duration.zero : age;
}
