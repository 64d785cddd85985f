import '../data/model/tokens.dart';

/// Where the tokens of the login lie while the app is not running.
abstract interface class TokenStore {
  /// What was kept; null when nothing was, or when it cannot be read any more.
  Future<Tokens?> read();

  /// Keep [tokens] in place of what was kept.
  Future<void> write(Tokens tokens);

  /// Forget them.
  Future<void> clear();
}

/// Keeps tokens until the app ends: for platforms whose secure storage is not connected yet.
class MemoryTokenStore implements TokenStore {
  Tokens? _tokens;

  @override
  Future<Tokens?> read() async => _tokens;

  @override
  Future<void> write(Tokens tokens) async => _tokens = tokens;

  @override
  Future<void> clear() async => _tokens = null;
}
