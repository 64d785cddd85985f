import 'dart:convert';
import 'dart:typed_data';

import 'package:flutter_dashboard/domain/models/certificate_pin.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  final digest = List.generate(32, (index) => index * 7 % 256);
  final digits = digest
      .map((byte) => byte.toRadixString(16).padLeft(2, '0'))
      .join();

  test('a pin is read as it is written elsewhere', () {
    for (final text in [
      digits,
      ' ${digits.toUpperCase()} ',
      base64.encode(digest),
      'sha256/${base64.encode(digest)}',
      'sha256//${base64.encode(digest)}',
    ]) {
      expect('${CertificatePin.parse(text)}', digits, reason: text);
    }
  });

  test('what is no pin is refused', () {
    for (final text in [
      '',
      'abc',
      '${digits}00',
      base64.encode([1, 2]),
    ]) {
      expect(() => CertificatePin.parse(text), throwsFormatException);
    }
  });

  test('what is no certificate fits no pin', () {
    final pin = CertificatePin.parse(digits);
    for (final bytes in [
      <int>[],
      [0x30],
      [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
      List.filled(40, 0x30),
    ]) {
      expect(pin.fits(Uint8List.fromList(bytes)), isFalse);
    }
  });
}
