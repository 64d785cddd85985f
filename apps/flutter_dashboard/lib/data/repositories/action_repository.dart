import 'package:flutter/foundation.dart';

import '../../domain/models/alert_action.dart';

/// What users do about alerts, with or without a connection. It notifies when something of that changes.
abstract class ActionRepository extends ChangeNotifier {
  /// Everything about an alert that waits, was taken or was refused, in the order in which it was done.
  List<AlertAction> of(String alertId);

  /// What the server has not answered yet, in the order in which it was done.
  List<AlertAction> get pending;

  /// Do something. It ends when that is kept over restarts, which is before the server answers.
  Future<void> submit(AlertAction action);

  /// Send what waits, now. It ends when nothing more can be done for now.
  Future<void> sendPending();

  /// Do not show an action any more, and do not send it if it waits. One that is on its way cannot be taken back.
  void forget(String key);

  /// Nobody looks: nothing is tried again by itself.
  void pause();

  /// Somebody looks again.
  void resume();
}
