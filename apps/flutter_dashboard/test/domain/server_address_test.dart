import 'package:flutter_dashboard/domain/models/server_address.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  for (final (text, address) in [
    ('http://127.0.0.1:8000', 'http://127.0.0.1:8000'),
    ('http://localhost:8000/', 'http://localhost:8000'),
    (' https://grid.example/app?x=1 ', 'https://grid.example'),
    ('https://grid.example:8443', 'https://grid.example:8443'),
  ]) {
    test('"$text" is $address', () {
      expect(serverAddress(text).toString(), address);
    });
  }

  for (final text in [
    'http://grid.example',
    'http://192.168.1.4:8000',
    'http://127.0.0.1.example',
    'ftp://127.0.0.1',
    'grid.example',
    '',
  ]) {
    test('"$text" is refused', () {
      expect(() => serverAddress(text), throwsFormatException);
    });
  }
}
