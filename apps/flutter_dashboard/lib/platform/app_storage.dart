import 'dart:io';

import 'file_token_store.dart';
import 'share_sheet.dart';
import 'token_store.dart';

/// Where the app keeps things on this platform.
class AppStorage {
  const AppStorage({
    required this.tokens,
    required this.cacheFile,
    required this.actionsFile,
    required this.settingsFile,
    this.shareSheet = const ChannelShareSheet(),
  });

  /// Of the platform that the app runs on.
  factory AppStorage.ofPlatform() {
    if (Platform.isLinux) {
      final home = Platform.environment['HOME'] ?? Directory.systemTemp.path;
      final state = _folder('XDG_STATE_HOME', '$home/.local/state');
      return AppStorage(
        tokens: FileTokenStore(File('$state/login.json')),
        actionsFile: File('$state/actions.json'),
        settingsFile: File('$state/settings.json'),
        shareSheet: FolderShareSheet(_downloads(home)),
        cacheFile: File(
          '${_folder('XDG_CACHE_HOME', '$home/.cache')}/last-known.json',
        ),
      );
    }
    // On phones this is the app's own cache folder.
    return AppStorage(
      tokens: MemoryTokenStore(),
      cacheFile: File('${Directory.systemTemp.path}/last-known.json'),
      actionsFile: File('${Directory.systemTemp.path}/actions.json'),
      settingsFile: File('${Directory.systemTemp.path}/settings.json'),
    );
  }

  final TokenStore tokens;
  final File cacheFile;

  /// Where files go that the user wants to have.
  final ShareSheet shareSheet;

  /// What waits for a connection: not to be lost, unlike what is cached.
  final File actionsFile;

  /// What was chosen in the settings.
  final File settingsFile;
}

String _folder(String variable, String otherwise) {
  final folder = Platform.environment[variable] ?? '';
  return '${folder.isEmpty ? otherwise : folder}/microgrid-dashboard';
}

Directory _downloads(String home) {
  final config = Platform.environment['XDG_CONFIG_HOME'] ?? '';
  final said = File(
    '${config.isEmpty ? '$home/.config' : config}/user-dirs.dirs',
  );
  return downloadFolder(
    home,
    userDirs: said.existsSync() ? said.readAsStringSync() : null,
  );
}
