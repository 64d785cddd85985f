import 'dart:async';
import 'dart:io';

import '../../../domain/models/certificate_pin.dart';

/// A client that connects to a server whose key is the pinned one, and to no other.
///
/// Such a server's certificate may be signed by anybody, also by itself. Without a [pin], the authorities that the phone
/// believes decide.
HttpClient httpClient({CertificatePin? pin}) {
  final client = HttpClient();
  if (pin != null) {
    client.connectionFactory = (url, _, _) async => url.scheme == 'https'
        ? _pinned(pin, url.host, url.port)
        : Socket.startConnect(url.host, url.port);
  }
  return client;
}

Future<ConnectionTask<Socket>> _pinned(
  CertificatePin pin,
  String host,
  int port,
) async {
  final task = await SecureSocket.startConnect(
    host,
    port,
    onBadCertificate: (certificate) => pin.fits(certificate.der),
  );
  return ConnectionTask.fromSocket(_checked(pin, task.socket), task.cancel);
}

Future<Socket> _checked(
  CertificatePin pin,
  Future<SecureSocket> connecting,
) async {
  final socket = await connecting;
  final certificate = socket.peerCertificate;
  if (certificate == null || !pin.fits(certificate.der)) {
    socket.destroy();
    throw const HandshakeException('the server has another key than expected');
  }
  return socket;
}
