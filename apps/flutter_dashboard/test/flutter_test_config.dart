import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:flutter/services.dart';
import 'package:flutter_dashboard/ui/core/themes.dart';
import 'package:flutter_test/flutter_test.dart';

import '../testing/rounding_comparator.dart';

/// Tests draw with the app's own fonts, and not with boxes.
Future<void> testExecutable(FutureOr<void> Function() testMain) async {
  TestWidgetsFlutterBinding.ensureInitialized();
  if (goldenFileComparator case final LocalFileComparator comparator) {
    goldenFileComparator = RoundingComparator(
      comparator.basedir.resolve('any_test.dart'),
    );
  }
  final manifest = jsonDecode(
    await rootBundle.loadString('FontManifest.json'),
  ) as List<Object?>;
  for (final entry in manifest.cast<Map<String, Object?>>()) {
    final loader = FontLoader(entry['family']! as String);
    for (final font
        in (entry['fonts']! as List<Object?>).cast<Map<String, Object?>>()) {
      loader.addFont(rootBundle.load(font['asset']! as String));
    }
    await loader.load();
  }
  // Phones bring their own for Hindi.
  final hindi = FontLoader(devanagari)
    ..addFont(
      File('testing/fonts/NotoSansDevanagari-Regular.ttf')
          .readAsBytes()
          .then(ByteData.sublistView),
    );
  await hindi.load();
  await testMain();
}
