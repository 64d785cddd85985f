import 'dart:async';
import 'dart:typed_data';

import 'package:flutter_dashboard/domain/models/share_outcome.dart';

/// Where shared files go in tests.
class FakeShares {
  ShareOutcome answer = const SavedAs('/home/amina/Downloads/curve.csv');
  final files = <({String name, String mimeType, Uint8List bytes})>[];

  final _first = Completer<void>();

  /// When the first one was shared.
  Future<void> get first => _first.future;

  Future<ShareOutcome> share(
    String name,
    String mimeType,
    Uint8List bytes,
  ) async {
    files.add((name: name, mimeType: mimeType, bytes: bytes));
    if (!_first.isCompleted) {
      _first.complete();
    }
    return answer;
  }
}
