import 'dart:io';

import 'package:flutter/material.dart';

import 'config/dependencies.dart';
import 'domain/models/server_address.dart';
import 'platform/app_storage.dart';
import 'routing/dashboard_app.dart';

const _compiledIn = String.fromEnvironment(
  'MICROGRID_SERVER',
  defaultValue: 'http://127.0.0.1:8000',
);

Future<void> main() async {
  WidgetsFlutterBinding.ensureInitialized();
  final server = serverAddress(
    Platform.environment['MICROGRID_SERVER'] ?? _compiledIn,
  );
  runApp(
    DashboardApp(
      dependencies: await Dependencies.remote(server, AppStorage.ofPlatform()),
    ),
  );
}
