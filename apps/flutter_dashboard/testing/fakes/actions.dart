import 'package:flutter_dashboard/data/repositories/action_repository.dart';
import 'package:flutter_dashboard/domain/models/alert_action.dart';

/// Takes what a user does, and says of it what a test wants.
class FakeActionRepository extends ActionRepository {
  final actions = <AlertAction>[];

  /// What becomes of the next action; it waits when null.
  ActionState Function(AlertAction action)? outcome;

  @override
  List<AlertAction> of(String alertId) =>
      actions.where((action) => action.alertId == alertId).toList();

  @override
  List<AlertAction> get pending =>
      actions.where((action) => action.isPending).toList();

  @override
  Future<void> submit(AlertAction action) async {
    actions.add(action.as(outcome?.call(action) ?? action.state));
    notifyListeners();
  }

  /// The server has answered an action.
  void answer(String key, ActionState state) {
    final index = actions.indexWhere((action) => action.key == key);
    actions[index] = actions[index].as(state);
    notifyListeners();
  }

  @override
  Future<void> sendPending() async {}

  @override
  void forget(String key) {
    actions.removeWhere((action) => action.key == key);
    notifyListeners();
  }

  @override
  void pause() {}

  @override
  void resume() {}
}
