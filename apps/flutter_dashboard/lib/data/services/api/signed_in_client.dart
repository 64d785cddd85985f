import '../../../domain/result.dart';
import 'api_client.dart';

/// Gives the token that requests are made with.
abstract interface class AccessTokens {
  /// One that is good for a while, renewed where that was needed.
  Future<Result<String>> current();

  /// A new one in place of [refused], which the server did not accept.
  Future<Result<String>> renewed({required String refused});
}

/// Talks to the API in the name of whoever is signed in.
class SignedInClient {
  const SignedInClient(this._client, this._tokens);

  final ApiClient _client;
  final AccessTokens _tokens;

  Future<Result<Object?>> get(
    String path, {
    Map<String, String> query = const {},
  }) => _send((token) => _client.send('GET', path, query: query, token: token));

  /// [key] makes one change of it, however often it is sent.
  Future<Result<Object?>> put(
    String path, {
    required String key,
    Object? body,
  }) => _change('PUT', path, key, body);

  /// So with this.
  Future<Result<Object?>> post(
    String path, {
    required String key,
    Object? body,
  }) => _change('POST', path, key, body);

  Future<Result<Object?>> _change(
    String method,
    String path,
    String key,
    Object? body,
  ) => _send(
    (token) => _client.send(
      method,
      path,
      headers: {'Idempotency-Key': key},
      token: token,
      body: body,
    ),
  );

  Future<Result<Object?>> _send(
    Future<Result<Object?>> Function(String token) request,
  ) async {
    final String token;
    switch (await _tokens.current()) {
      case Ok(:final value):
        token = value;
      case Failed(:final failure):
        return Failed(failure);
    }
    final result = await request(token);
    if (result case Failed(failure: Refused(status: 401))) {
      return switch (await _tokens.renewed(refused: token)) {
        Ok(:final value) => request(value),
        Failed(:final failure) => Failed(failure),
      };
    }
    return result;
  }
}
