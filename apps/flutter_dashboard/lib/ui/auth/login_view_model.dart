import 'package:flutter/foundation.dart';

import '../../data/repositories/auth_repository.dart';
import '../../domain/result.dart';

/// Signing in.
class LoginViewModel extends ChangeNotifier {
  LoginViewModel({required AuthRepository auth}) : _auth = auth {
    if (auth.hasEnded) {
      _failure = const LoginEnded();
    }
  }

  final AuthRepository _auth;

  bool _isRunning = false;
  Failure? _failure;
  bool _isDisposed = false;

  /// Whether the server is being asked.
  bool get isRunning => _isRunning;

  /// Why it did not work the last time, or why it has to be done again.
  Failure? get failure => _failure;

  /// Sign in; a second time while that goes on does nothing.
  Future<void> signIn(String username, String password) async {
    if (_isRunning) {
      return;
    }
    _isRunning = true;
    _failure = null;
    notifyListeners();
    final result = await _auth.signIn(username.trim(), password);
    _isRunning = false;
    if (result case Failed(:final failure)) {
      _failure = failure;
    }
    if (!_isDisposed) {
      notifyListeners();
    }
  }

  @override
  void dispose() {
    _isDisposed = true;
    super.dispose();
  }
}
