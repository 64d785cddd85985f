import 'package:flutter_dashboard/data/repositories/settings_repository.dart';
import 'package:flutter_dashboard/domain/models/app_settings.dart';

/// Settings that are kept nowhere.
class FakeSettings extends SettingsRepository {
  @override
  AppSettings current = AppSettings(server: Uri.parse('http://127.0.0.1:8000'));

  @override
  Future<void> change(AppSettings settings) async {
    current = settings;
    notifyListeners();
  }
}
