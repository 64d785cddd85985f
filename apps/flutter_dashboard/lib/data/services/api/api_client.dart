import 'dart:async';
import 'dart:convert';
import 'dart:io';

import '../../../domain/result.dart';
import '../connection.dart';

/// Talks to the API over HTTP, in JSON.
class ApiClient {
  ApiClient(
    this._server, {
    HttpClient? http,
    Connection? connection,
    this.timeout = const Duration(seconds: 10),
  }) : _http = http ?? HttpClient(),
       _connection = connection {
    _http.connectionTimeout = timeout;
  }

  final Uri _server;
  final HttpClient _http;

  /// Is told whether the server is heard.
  final Connection? _connection;

  /// Of a whole exchange.
  final Duration timeout;

  /// Larger answers than this are none of this API.
  static const largestAnswer = 8 * 1024 * 1024;

  /// Send a request; the answer is what its JSON says.
  Future<Result<Object?>> send(
    String method,
    String path, {
    Map<String, String> query = const {},
    Map<String, String> headers = const {},
    String? token,
    Object? body,
  }) async {
    HttpClientRequest? request;
    try {
      final exchange = () async {
        final opened = await _http.openUrl(
          method,
          _server.replace(
            path: path,
            queryParameters: query.isEmpty ? null : query,
          ),
        );
        request = opened;
        // A redirect could take the token to somebody else.
        opened.followRedirects = false;
        headers.forEach(opened.headers.set);
        if (token != null) {
          opened.headers.set(HttpHeaders.authorizationHeader, 'Bearer $token');
        }
        if (body != null) {
          opened.headers.contentType = ContentType.json;
          opened.add(utf8.encode(jsonEncode(body)));
        }
        final response = await opened.close();
        return (
          response.statusCode,
          await _read(response),
          response.headers.value(HttpHeaders.retryAfterHeader) != null,
        );
      }();
      final (status, text, isForNow) = await exchange.timeout(timeout);
      _connection?.heard();
      return _result(status, text, isForNow: isForNow);
    } on TimeoutException {
      request?.abort();
      _connection?.lost();
      return const Failed(Unreachable());
    } on FormatException {
      return const Failed(Unintelligible());
    } on IOException {
      _connection?.lost();
      return const Failed(Unreachable());
    }
  }

  /// Give up all connections.
  void close() => _http.close(force: true);
}

Future<String> _read(HttpClientResponse response) async {
  final bytes = <int>[];
  await for (final chunk in response) {
    bytes.addAll(chunk);
    if (bytes.length > ApiClient.largestAnswer) {
      throw const FormatException('the answer is too large');
    }
  }
  return utf8.decode(bytes);
}

Result<Object?> _result(int status, String text, {required bool isForNow}) {
  if (status >= 200 && status < 300) {
    return Ok(text.isEmpty ? null : jsonDecode(text));
  }
  if (status < 400) {
    return const Failed(Unintelligible());
  }
  return Failed(Refused(status, _detail(text), isForNow: isForNow));
}

/// What a problem document (RFC 9457) says; empty for another answer, such as a proxy's page.
String _detail(String text) {
  try {
    return switch (jsonDecode(text)) {
      {'detail': final String detail} => detail,
      _ => '',
    };
  } on FormatException {
    return '';
  }
}
