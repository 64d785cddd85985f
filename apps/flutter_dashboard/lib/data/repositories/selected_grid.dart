import 'dart:async';

import 'package:flutter/foundation.dart';

/// Which grid the screens are about.
class SelectedGrid extends ChangeNotifier {
  SelectedGrid({String? kept, Future<void> Function(String gridId)? keep})
    : _gridId = kept,
      _keep = keep;

  final Future<void> Function(String gridId)? _keep;

  String? _gridId;

  /// Null until one is chosen. Whether the user may still see it, is for the server to say.
  String? get gridId => _gridId;

  /// Kept over restarts.
  void choose(String gridId) {
    if (gridId != _gridId) {
      _gridId = gridId;
      notifyListeners();
      if (_keep case final keep?) {
        unawaited(keep(gridId));
      }
    }
  }

  /// Of whoever was signed in nothing stays.
  void forget() => _gridId = null;
}
