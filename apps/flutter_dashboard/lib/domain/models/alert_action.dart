import 'dart:math';

import 'alert.dart';

/// What a user can do about an alert.
enum ActionKind { acknowledge, shelve, unshelve, note }

/// How far something has come that a user did.
sealed class ActionState {
  const ActionState();
}

/// The server has not answered it yet.
final class Pending extends ActionState {
  const Pending({this.isSending = false, this.wasTried = false});

  /// Whether it is on its way right now.
  final bool isSending;

  /// Whether it was on its way before, and no answer came: the server may know of it.
  final bool wasTried;
}

/// The server took it.
final class Accepted extends ActionState {
  const Accepted(this.outcome);

  /// The alert as it stood then. Where somebody else was first, it says who.
  final Alert outcome;
}

/// It was not done, and is not tried again unasked.
final class RefusedAction extends ActionState {
  const RefusedAction(this.why, this.asItStands);

  final Refusal why;

  /// The alert as the server has it; null when that could not be found out, or there is none any more.
  final Alert? asItStands;
}

/// Why something was not done.
sealed class Refusal {
  const Refusal();
}

/// The server will not.
final class RefusedByServer extends Refusal {
  const RefusedByServer(this.words);

  /// What it says, for a person.
  final String words;
}

/// It has waited so long that it may not be meant any more.
final class WaitedTooLong extends Refusal {
  const WaitedTooLong();
}

/// As many actions wait as can be kept.
final class TooManyWait extends Refusal {
  const TooManyWait();
}

/// Something that a user does about an alert.
class AlertAction {
  const AlertAction({
    required this.key,
    required this.gridId,
    required this.alertId,
    required this.kind,
    required this.madeAt,
    this.text,
    this.shelveFor,
    this.state = const Pending(),
  });

  /// Names it to the server: with one key it is done once, however often it is sent.
  final String key;

  final String gridId;
  final String alertId;
  final ActionKind kind;

  /// The note, which an acknowledgement may have too, or why it is shelved; else null.
  final String? text;

  /// Whole minutes from [madeAt] on; null for what shelves nothing.
  final Duration? shelveFor;

  /// By the clock of this device.
  final DateTime madeAt;

  final ActionState state;

  bool get isPending => state is Pending;

  /// The same, as far as [state].
  AlertAction as(ActionState state) => AlertAction(
    key: key,
    gridId: gridId,
    alertId: alertId,
    kind: kind,
    madeAt: madeAt,
    text: text,
    shelveFor: shelveFor,
    state: state,
  );
}

/// A key that nobody else takes: 128 random bits.
String newActionKey(Random random) => List.generate(
  4,
  (_) => random.nextInt(1 << 32).toRadixString(16).padLeft(8, '0'),
).join();
