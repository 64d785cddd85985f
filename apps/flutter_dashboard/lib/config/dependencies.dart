import '../data/repositories/action_repository.dart';
import '../data/repositories/action_sender.dart';
import '../data/repositories/alert_repository.dart';
import '../data/repositories/auth_repository.dart';
import '../data/repositories/grid_repository.dart';
import '../data/repositories/history_repository.dart';
import '../data/repositories/overview_repository.dart';
import '../data/repositories/queued_action_repository.dart';
import '../data/repositories/selected_grid.dart';
import '../data/repositories/settings_repository.dart';
import '../data/services/api/api_client.dart';
import '../data/services/api/pinned_connections.dart';
import '../data/services/api/signed_in_client.dart';
import '../data/services/connection.dart';
import '../data/services/local/kept_actions.dart';
import '../data/services/local/last_known.dart';
import '../domain/models/share_outcome.dart';
import '../platform/app_storage.dart';

/// Everything that the screens are built on.
class Dependencies {
  const Dependencies({
    required this.auth,
    required this.grids,
    required this.alerts,
    required this.actions,
    required this.histories,
    required this.overviews,
    required this.selectedGrid,
    required this.settings,
    required this.saveLastKnown,
    required this.share,
    this.now = DateTime.now,
  });

  /// On the server of the settings.
  static Future<Dependencies> remote(
    SettingsRepository settings,
    AppStorage storage,
  ) async {
    final connection = Connection();
    final client = ApiClient(
      settings.current.server,
      http: httpClient(pin: settings.current.pin),
      connection: connection,
    );
    final lastKnown = LastKnown(storage.cacheFile);
    final auth = RemoteAuthRepository(
      client: client,
      store: storage.tokens,
      lastKnown: lastKnown,
    );
    final signedIn = SignedInClient(client, auth);
    // Before the first frame, which shows what was last known before any answer comes.
    await Future.wait([lastKnown.load(), auth.restore()]);
    final actions = QueuedActionRepository(
      sender: RemoteActionSender(signedIn),
      kept: ActionFile(storage.actionsFile),
      auth: auth,
      connection: connection,
    );
    await actions.start();
    final selectedGrid = SelectedGrid(
      kept: switch (lastKnown.get(_selected)?.answer) {
        final String gridId => gridId,
        _ => null,
      },
      keep: (gridId) => lastKnown.put(_selected, gridId, DateTime.now()),
    );
    auth.addListener(() {
      if (!auth.isSignedIn) {
        selectedGrid.forget();
      }
    });
    return Dependencies(
      auth: auth,
      actions: actions,
      grids: RemoteGridRepository(signedIn, lastKnown),
      alerts: RemoteAlertRepository(signedIn, lastKnown),
      histories: RemoteHistoryRepository(signedIn, lastKnown),
      overviews: RemoteOverviewRepository(signedIn, lastKnown),
      selectedGrid: selectedGrid,
      settings: settings,
      saveLastKnown: lastKnown.flush,
      share: storage.shareSheet.share,
    );
  }

  static const _selected = 'selected_grid';

  final AuthRepository auth;
  final GridRepository grids;
  final AlertRepository alerts;
  final ActionRepository actions;
  final HistoryRepository histories;
  final OverviewRepository overviews;
  final SelectedGrid selectedGrid;
  final SettingsRepository settings;

  /// Called when the app leaves the screen, and may be ended.
  final Future<void> Function() saveLastKnown;

  /// Hands a file to whatever the user wants to have it in.
  final Share share;

  /// The present, by the clock of this device.
  final DateTime Function() now;
}
