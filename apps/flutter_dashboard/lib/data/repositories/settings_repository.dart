import 'package:flutter/foundation.dart';

import '../../domain/models/app_settings.dart';
import '../model/settings_json.dart';
import '../services/local/json_file.dart';

/// What the user has chosen about the app. It notifies when that changes.
abstract class SettingsRepository extends ChangeNotifier {
  AppSettings get current;

  /// It holds at once; the future ends when it is kept over restarts.
  Future<void> change(AppSettings settings);
}

/// In a file.
class FileSettingsRepository extends SettingsRepository {
  FileSettingsRepository(this._file, {required Uri defaultServer})
    : _defaultServer = defaultServer,
      _current = AppSettings(server: defaultServer);

  final JsonFile _file;

  /// Where nobody has chosen another one.
  final Uri _defaultServer;

  AppSettings _current;

  /// Take up what was chosen before.
  Future<void> load() async => _current = settingsFromJson(
    await _file.read(),
    otherwise: _defaultServer,
  );

  @override
  AppSettings get current => _current;

  @override
  Future<void> change(AppSettings settings) {
    _current = settings;
    notifyListeners();
    return _file.write(settingsToJson(settings, otherwise: _defaultServer));
  }
}
