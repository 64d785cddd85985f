import 'dart:io';

import 'package:flutter/material.dart';

import 'config/dependencies.dart';
import 'data/repositories/settings_repository.dart';
import 'data/services/local/json_file.dart';
import 'domain/models/server_address.dart';
import 'platform/app_storage.dart';
import 'routing/connected_app.dart';

const _compiledIn = String.fromEnvironment(
  'MICROGRID_SERVER',
  defaultValue: 'http://127.0.0.1:8000',
);

Future<void> main() async {
  WidgetsFlutterBinding.ensureInitialized();
  final storage = AppStorage.ofPlatform();
  final settings = FileSettingsRepository(
    JsonFile(storage.settingsFile),
    defaultServer: serverAddress(
      Platform.environment['MICROGRID_SERVER'] ?? _compiledIn,
    ),
  );
  await settings.load();
  Future<Dependencies> connect() => Dependencies.remote(settings, storage);
  runApp(
    ConnectedApp(settings: settings, connect: connect, first: await connect()),
  );
}
