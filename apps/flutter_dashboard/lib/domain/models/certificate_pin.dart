import 'dart:convert';
import 'dart:typed_data';

import 'package:crypto/crypto.dart';

/// The one key that a server may have: the SHA-256 of what RFC 7469 calls its subject public key info.
///
/// A certificate that was renewed with the same key still fits.
class CertificatePin {
  const CertificatePin._(this._digest);

  /// Reads 64 hexadecimal digits, with or without colons, or Base64 with or without `sha256/` before it.
  ///
  /// Throws [FormatException] for anything else.
  factory CertificatePin.parse(String text) {
    final plain = text.trim();
    final digits = plain.replaceAll(':', '').toLowerCase();
    if (RegExp(r'^[0-9a-f]{64}$').hasMatch(digits)) {
      return CertificatePin._(digits);
    }
    final bytes = base64.decode(plain.replaceFirst(RegExp('^sha256//?'), ''));
    if (bytes.length != 32) {
      throw FormatException('64 hexadecimal digits were expected', text);
    }
    return CertificatePin._(_hexadecimal(bytes));
  }

  /// In hexadecimal digits.
  final String _digest;

  /// Whether a certificate, as its DER bytes, has that key.
  bool fits(Uint8List certificate) {
    final key = publicKeyInfo(certificate);
    return key != null && _hexadecimal(sha256.convert(key).bytes) == _digest;
  }

  @override
  bool operator ==(Object other) =>
      other is CertificatePin && other._digest == _digest;

  @override
  int get hashCode => _digest.hashCode;

  @override
  String toString() => _digest;
}

/// The subject public key info of an X.509 certificate (RFC 5280, 4.1), as its DER bytes; null if it is none.
Uint8List? publicKeyInfo(Uint8List certificate) {
  try {
    final whole = _Element.at(certificate, 0);
    final signed = _Element.at(certificate, whole.content);
    var position = signed.content;
    // Version, where it is said, serial number, signature, issuer, validity, subject: then the key.
    final hasVersion = certificate[position] == 0xa0;
    for (var before = hasVersion ? 6 : 5; before > 0; before--) {
      position = _Element.at(certificate, position).end;
    }
    return Uint8List.sublistView(
      certificate,
      position,
      _Element.at(certificate, position).end,
    );
  } on RangeError {
    return null;
  }
}

/// Where the content of an element of DER begins, and where it ends.
class _Element {
  const _Element(this.content, this.end);

  factory _Element.at(Uint8List bytes, int position) {
    final first = bytes[position + 1];
    if (first < 0x80) {
      return _Element(position + 2, position + 2 + first);
    }
    final count = first & 0x7f;
    var length = 0;
    for (var index = 0; index < count; index++) {
      length = length << 8 | bytes[position + 2 + index];
    }
    final content = position + 2 + count;
    return _Element(content, content + length);
  }

  final int content;
  final int end;
}

String _hexadecimal(List<int> bytes) =>
    bytes.map((byte) => byte.toRadixString(16).padLeft(2, '0')).join();
