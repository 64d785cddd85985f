import 'json_object.dart';

/// What a login gives.
class Tokens {
  const Tokens({
    required this.accessToken,
    required this.refreshToken,
    required this.expiresAt,
    this.username,
  });

  /// The answer of `POST /api/auth/login` and `/refresh`, which came at [now], for [username].
  factory Tokens.fromAnswer(Object? answer, DateTime now, {String? username}) {
    final json = JsonObject.of(answer);
    final seconds = json.numberOrNull('expires_in');
    return Tokens(
      accessToken: json.text('access_token'),
      refreshToken: json.textOrNull('refresh_token'),
      expiresAt: seconds == null
          ? null
          : now.add(Duration(seconds: seconds.toInt())),
      username: username,
    );
  }

  /// As [toJson] made it.
  factory Tokens.fromJson(Object? kept) {
    final json = JsonObject.of(kept);
    return Tokens(
      accessToken: json.text('access_token'),
      refreshToken: json.textOrNull('refresh_token'),
      expiresAt: json.fields['expires_at'] == null
          ? null
          : json.time('expires_at'),
      username: json.textOrNull('username'),
    );
  }

  final String accessToken;

  /// Gives new tokens, once; null where there is none.
  final String? refreshToken;

  /// When the access token ends, by the clock of this device; null: never.
  final DateTime? expiresAt;

  /// Whose they are, as that was typed; null where an earlier version did not keep it.
  final String? username;

  Map<String, Object?> toJson() => {
    'access_token': accessToken,
    'refresh_token': refreshToken,
    'expires_at': expiresAt?.toUtc().toIso8601String(),
    'username': username,
  };
}
