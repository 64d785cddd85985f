import 'dart:io';

import 'package:flutter_dashboard/config/version.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  test('the version is the one of the package', () {
    expect(
      File('pubspec.yaml').readAsLinesSync(),
      contains('version: $appVersion'),
    );
  });
}
