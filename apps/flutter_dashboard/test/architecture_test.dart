import 'dart:io';

import 'package:flutter_test/flutter_test.dart';

/// Which folder may not import what.
const _forbidden = {
  'lib/domain': ['/data/', '/ui/', '/platform/', 'package:flutter', 'dart:io'],
  'lib/data': ['/ui/', '/routing/', '/config/', 'material.dart'],
  'lib/l10n': ['/data/', '/ui/', '/platform/', '/routing/', 'dart:io'],
  'lib/platform': ['/ui/', '/routing/', '/config/', '/repositories/'],
  'lib/ui': ['/services/', '/model/', '/platform/', '/config/', 'dart:io'],
};

void main() {
  for (final MapEntry(key: folder, value: forbidden) in _forbidden.entries) {
    test('$folder keeps to its layer', () {
      final files = Directory(folder)
          .listSync(recursive: true)
          .whereType<File>()
          .where((file) => file.path.endsWith('.dart'))
          .toList();
      expect(files, isNotEmpty);
      for (final file in files) {
        final imports = file.readAsLinesSync().where(
          (line) => line.startsWith('import '),
        );
        for (final import in imports) {
          expect(
            forbidden.where(import.contains),
            isEmpty,
            reason: '${file.path}: $import',
          );
        }
      }
    });
  }

  test('views know no repository', () {
    final views = Directory('lib/ui')
        .listSync(recursive: true)
        .whereType<File>()
        .where((file) => !file.path.endsWith('_view_model.dart'));
    for (final view in views) {
      expect(
        view.readAsStringSync(),
        isNot(contains('/repositories/')),
        reason: view.path,
      );
    }
  });
}
