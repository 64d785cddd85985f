import 'dart:async';
import 'dart:convert';
import 'dart:io';

import 'package:flutter_dashboard/data/repositories/auth_repository.dart';
import 'package:flutter_dashboard/data/services/api/api_client.dart';
import 'package:flutter_dashboard/data/services/api/signed_in_client.dart';
import 'package:flutter_dashboard/data/services/local/last_known.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/platform/token_store.dart';
import 'package:flutter_test/flutter_test.dart';

/// A server that answers as it is told, and remembers what it was asked.
class _Server {
  late final HttpServer _http;
  final requests =
      <
        ({String method, String path, String? token, String? key, Object? body})
      >[];
  late (int, Object?) Function(String path, String? token) answer;

  /// Requests are answered after this, when it is there.
  Completer<void>? held;

  Future<void> start() async {
    _http = await HttpServer.bind(InternetAddress.loopbackIPv4, 0);
    _http.listen((request) async {
      final text = await utf8.decodeStream(request);
      final token = request.headers
          .value('authorization')
          ?.replaceFirst('Bearer ', '');
      requests.add((
        method: request.method,
        path: request.uri.toString(),
        token: token,
        key: request.headers.value('idempotency-key'),
        body: text.isEmpty ? null : jsonDecode(text),
      ));
      await held?.future;
      final (status, body) = answer(request.uri.path, token);
      request.response.statusCode = status;
      if (status == 302) {
        request.response.headers.set('location', body! as String);
      } else if (body != null) {
        request.response.write(body is String ? body : jsonEncode(body));
      }
      await request.response.close();
    });
  }

  Uri get address => Uri(scheme: 'http', host: '127.0.0.1', port: _http.port);

  Future<void> stop() => _http.close(force: true);
}

Failure failureOf(Result<Object?> result) => switch (result) {
  Failed(:final failure) => failure,
  Ok() => throw StateError('it succeeded'),
};

void main() {
  late _Server server;
  late ApiClient client;
  late Directory folder;
  late RemoteAuthRepository auth;
  late SignedInClient signedIn;

  setUpAll(() => HttpOverrides.global = null);

  setUp(() async {
    server = _Server();
    await server.start();
    client = ApiClient(server.address);
    folder = await Directory.systemTemp.createTemp('api-client');
    auth = RemoteAuthRepository(
      client: client,
      store: MemoryTokenStore(),
      lastKnown: LastKnown(File('${folder.path}/known.json')),
    );
    signedIn = SignedInClient(client, auth);
  });

  tearDown(() async {
    client.close();
    await server.stop();
    await folder.delete(recursive: true);
  });

  /// Tokens named after how often they were renewed.
  Map<String, Object?> tokens(int number, {int expiresIn = 900}) => {
    'access_token': 'access-$number',
    'refresh_token': 'refresh-$number',
    'expires_in': expiresIn,
  };

  test('what a problem document says is passed on', () async {
    server.answer = (_, _) =>
        (409, {'type': 'about:blank', 'detail': 'It has ended.'});

    final failure = failureOf(await client.send('GET', '/api/x')) as Refused;
    expect((failure.status, failure.detail), (409, 'It has ended.'));
  });

  test('the page of a proxy is no reason to fail otherwise', () async {
    server.answer = (_, _) => (502, '<html>Bad gateway</html>');

    final failure = failureOf(await client.send('GET', '/api/x')) as Refused;
    expect((failure.status, failure.detail), (502, ''));
  });

  test('what is no JSON is not understood', () async {
    server.answer = (_, _) => (200, '<html>');

    expect(
      failureOf(await client.send('GET', '/api/x')),
      isA<Unintelligible>(),
    );
  });

  test('a redirect is not followed: it could take the token away', () async {
    server.answer = (_, _) => (302, '${server.address}/elsewhere');

    expect(
      failureOf(await client.send('GET', '/api/x', token: 't')),
      isA<Unintelligible>(),
    );
    expect(server.requests.length, 1);
  });

  test('nobody there, and nobody answering, is unreachable', () async {
    server.held = Completer();
    server.answer = (_, _) => (200, {});
    final hasty = ApiClient(
      server.address,
      timeout: const Duration(milliseconds: 50),
    );
    expect(failureOf(await hasty.send('GET', '/api/x')), isA<Unreachable>());
    hasty.close();
    server.held!.complete();

    await server.stop();
    expect(failureOf(await client.send('GET', '/api/x')), isA<Unreachable>());
  });

  test('a change carries its key', () async {
    server.answer = (path, _) =>
        (200, path.endsWith('login') ? tokens(0) : {'id': 'alert-1'});
    await auth.signIn('maria', 'secret');

    await signedIn.put('/api/alerts/alert-1/acknowledge', key: 'k1');

    expect(server.requests.first.body, {
      'username': 'maria',
      'password': 'secret',
    });
    expect(server.requests.last.method, 'PUT');
    expect(server.requests.last.key, 'k1');
    expect(server.requests.last.token, 'access-0');
  });

  test('requests that are refused together renew the login once', () async {
    var renewals = 0;
    server.answer = (path, token) => switch (path) {
      '/api/auth/login' => (200, tokens(0)),
      '/api/auth/refresh' => (200, tokens(++renewals)),
      _ => token == 'access-1' ? (200, {'ok': true}) : (401, null),
    };
    await auth.signIn('maria', 'secret');

    final results = await Future.wait([
      for (var index = 0; index < 5; index++) signedIn.get('/api/x'),
    ]);

    expect(results, everyElement(isA<Ok<Object?>>()));
    expect(renewals, 1);
    expect(auth.isSignedIn, isTrue);
  });

  test('a token that is about to end is renewed before it is used', () async {
    server.answer = (path, token) => switch (path) {
      '/api/auth/login' => (200, tokens(0, expiresIn: 10)),
      '/api/auth/refresh' => (200, tokens(1)),
      _ => (200, {}),
    };
    await auth.signIn('maria', 'secret');

    await signedIn.get('/api/x');

    expect(server.requests.map((request) => request.token), [
      null,
      null,
      'access-1',
    ]);
  });

  test('a login that cannot be renewed has ended', () async {
    server.answer = (path, token) =>
        path.endsWith('login') ? (200, tokens(0)) : (401, null);
    await auth.signIn('maria', 'secret');

    expect(failureOf(await signedIn.get('/api/x')), isA<LoginEnded>());
    expect(auth.isSignedIn, isFalse);
    expect(auth.hasEnded, isTrue);
  });

  test('while the server is away a login stays', () async {
    server.answer = (path, token) => switch (path) {
      '/api/auth/login' => (200, tokens(0)),
      '/api/auth/refresh' => (503, {'detail': 'The store is away.'}),
      _ => (401, null),
    };
    await auth.signIn('maria', 'secret');

    expect(failureOf(await signedIn.get('/api/x')), isA<Refused>());
    expect(auth.isSignedIn, isTrue);
  });

  test('signing out forgets the login here and at the server', () async {
    server.answer = (path, token) =>
        path.endsWith('login') ? (200, tokens(0)) : (204, null);
    await auth.signIn('maria', 'secret');

    await auth.signOut();

    expect(auth.isSignedIn, isFalse);
    expect(auth.hasEnded, isFalse);
    expect(server.requests.last.path, '/api/auth/logout');
    expect(server.requests.last.token, 'access-0');
    expect(failureOf(await signedIn.get('/api/x')), isA<LoginEnded>());
  });
}
