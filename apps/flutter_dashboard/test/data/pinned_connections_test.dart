import 'dart:convert';
import 'dart:io';

import 'package:flutter_dashboard/data/services/api/pinned_connections.dart';
import 'package:flutter_dashboard/domain/models/certificate_pin.dart';
import 'package:flutter_test/flutter_test.dart';

/// On real TLS connections. Keys and certificates are made for each run: none is kept in the repository.
void main() {
  if (_run(['version']) == null) {
    test('pinned connections', () {}, skip: 'openssl is not installed');
    return;
  }
  late Directory folder;
  late HttpServer server;
  late Uri address;

  String made(String name, {String? key}) {
    final file = '${folder.path}/$name';
    if (key == null) {
      _run(['ecparam', '-name', 'prime256v1', '-genkey', '-out', '$file.key']);
    }
    _run([
      ...['req', '-x509', '-new', '-key', '${key ?? file}.key', '-days', '2'],
      ...['-subj', '/CN=$name', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-out', '$file.pem'],
    ]);
    return file;
  }

  CertificatePin pinOf(String file) {
    final pem = _run(['x509', '-in', '$file.pem', '-noout', '-pubkey'])!;
    final key = base64.decode(
      pem.split('\n').where((line) => !line.startsWith('-----')).join(),
    );
    final digest = Process.runSync('sh', [
      '-c',
      'printf %s "${base64.encode(key)}" | openssl base64 -d -A | openssl dgst -sha256 -r',
    ]);
    return CertificatePin.parse('${digest.stdout}'.split(' ').first);
  }

  Future<HttpServer> serve(String certificate, {String? key}) async {
    final context = SecurityContext()
      ..useCertificateChain('$certificate.pem')
      ..usePrivateKey('${key ?? certificate}.key');
    final server = await HttpServer.bindSecure('127.0.0.1', 0, context);
    server.listen((request) async {
      request.response.write('here');
      await request.response.close();
    });
    return server;
  }

  Future<String> ask({CertificatePin? pin}) async {
    final client = httpClient(pin: pin);
    try {
      final response = await (await client.getUrl(address)).close();
      return await utf8.decodeStream(response);
    } finally {
      client.close(force: true);
    }
  }

  setUpAll(() => HttpOverrides.global = null);

  setUp(() async {
    folder = await Directory.systemTemp.createTemp('pins');
    server = await serve(made('one'));
    address = Uri.parse('https://127.0.0.1:${server.port}/');
  });

  tearDown(() async {
    await server.close(force: true);
    await folder.delete(recursive: true);
  });

  test('without a pin, a server that nobody vouches for is refused', () async {
    await expectLater(ask(), throwsA(isA<HandshakeException>()));
  });

  test('the pinned server is believed', () async {
    expect(await ask(pin: pinOf('${folder.path}/one')), 'here');
  });

  test('another server is refused', () async {
    final other = pinOf(made('other'));
    await expectLater(ask(pin: other), throwsA(isA<HandshakeException>()));
  });

  test('a certificate that was renewed with the same key fits', () async {
    final pin = pinOf('${folder.path}/one');
    final renewed = made('renewed', key: '${folder.path}/one');
    await server.close(force: true);
    server = await serve(renewed, key: '${folder.path}/one');
    address = Uri.parse('https://127.0.0.1:${server.port}/');

    expect(await ask(pin: pin), 'here');
  });
}

String? _run(List<String> arguments) {
  try {
    final done = Process.runSync('openssl', arguments);
    return done.exitCode == 0 ? '${done.stdout}' : null;
  } on ProcessException {
    return null;
  }
}
