import 'package:flutter/foundation.dart';

import '../../domain/result.dart';
import '../../platform/token_store.dart';
import '../model/tokens.dart';
import '../services/api/api_client.dart';
import '../services/api/signed_in_client.dart';
import '../services/local/last_known.dart';

/// Who is signed in. It notifies when somebody has signed in or out.
abstract class AuthRepository extends ChangeNotifier {
  bool get isSignedIn;

  /// Who is signed in; null when nobody is, or it is not known.
  String? get username;

  /// Whether the last login ended without anybody signing out.
  bool get hasEnded;

  Future<Result<void>> signIn(String username, String password);

  /// Forget the login here at once; the server is told if it can be reached.
  Future<void> signOut();
}

/// Over the API, with tokens that are renewed before they end.
class RemoteAuthRepository extends AuthRepository implements AccessTokens {
  RemoteAuthRepository({
    required ApiClient client,
    required TokenStore store,
    required LastKnown lastKnown,
    DateTime Function() now = DateTime.now,
  }) : _client = client,
       _store = store,
       _lastKnown = lastKnown,
       _now = now;

  final ApiClient _client;
  final TokenStore _store;
  final LastKnown _lastKnown;
  final DateTime Function() _now;

  Tokens? _tokens;

  /// The access token of the same login before the last renewal.
  String? _former;
  bool _hasEnded = false;
  Future<Result<String>>? _renewal;

  /// Renewed so long before it ends, for a request needs time too.
  static const _margin = Duration(seconds: 30);

  @override
  bool get isSignedIn => _tokens != null;

  @override
  String? get username => _tokens?.username;

  @override
  bool get hasEnded => _hasEnded;

  /// Take up the login of the last time, if there is one.
  Future<void> restore() async {
    _tokens = await _store.read();
    notifyListeners();
  }

  @override
  Future<Result<void>> signIn(String username, String password) async {
    final result = await _tokensFrom('/api/auth/login', {
      'username': username,
      'password': password,
    }, _sameForm(username));
    switch (result) {
      case Ok(:final value):
        // What the one before saw is none of this one's business.
        await _lastKnown.clear();
        _former = null;
        await _keep(value);
        _hasEnded = false;
        notifyListeners();
        return const Ok(null);
      case Failed(:final failure):
        return Failed(failure);
    }
  }

  @override
  Future<void> signOut() async {
    final tokens = _tokens;
    _hasEnded = false;
    await _forget();
    await _lastKnown.clear();
    if (tokens != null) {
      await _client.send('POST', '/api/auth/logout', token: tokens.accessToken);
    }
  }

  @override
  Future<Result<String>> current() async {
    final tokens = _tokens;
    if (tokens == null) {
      return const Failed(LoginEnded());
    }
    final expiresAt = tokens.expiresAt;
    final isGood =
        expiresAt == null || _now().isBefore(expiresAt.subtract(_margin));
    if (isGood || tokens.refreshToken == null) {
      return Ok(tokens.accessToken);
    }
    return renewed(refused: tokens.accessToken);
  }

  @override
  Future<Result<String>> renewed({required String refused}) async {
    final tokens = _tokens;
    if (tokens == null) {
      return const Failed(LoginEnded());
    }
    if (tokens.accessToken != refused) {
      // Renewed meanwhile; or it was somebody else's, in whose name nothing is done any more.
      return refused == _former
          ? Ok(tokens.accessToken)
          : const Failed(LoginEnded());
    }
    // A refresh token is good for one use: whoever comes meanwhile waits for the same answer.
    return _renewal ??= _renew(tokens).whenComplete(() => _renewal = null);
  }

  Future<Result<String>> _renew(Tokens tokens) async {
    final refreshToken = tokens.refreshToken;
    if (refreshToken == null) {
      return _end();
    }
    final result = await _tokensFrom('/api/auth/refresh', {
      'refresh_token': refreshToken,
    }, tokens.username);
    if (!identical(_tokens, tokens)) {
      // Signed out meanwhile.
      return const Failed(LoginEnded());
    }
    switch (result) {
      case Ok(:final value):
        _former = tokens.accessToken;
        await _keep(value);
        return Ok(value.accessToken);
      case Failed(failure: Refused(status: 401 || 422)):
        return _end();
      case Failed(:final failure):
        return Failed(failure);
    }
  }

  Future<Result<String>> _end() async {
    _hasEnded = true;
    await _forget();
    return const Failed(LoginEnded());
  }

  Future<void> _keep(Tokens tokens) async {
    _tokens = tokens;
    await _store.write(tokens);
  }

  Future<void> _forget() async {
    _tokens = null;
    notifyListeners();
    await _store.clear();
  }

  Future<Result<Tokens>> _tokensFrom(
    String path,
    Object body,
    String? username,
  ) async {
    try {
      return switch (await _client.send('POST', path, body: body)) {
        Ok(:final value) => Ok(
          Tokens.fromAnswer(value, _now(), username: username),
        ),
        Failed(:final failure) => Failed(failure),
      };
    } on FormatException {
      return const Failed(Unintelligible());
    }
  }
}

// The server takes "Amina " for "amina" too.
String _sameForm(String username) => username.trim().toLowerCase();
