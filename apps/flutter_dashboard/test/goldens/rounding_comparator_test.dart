import 'dart:typed_data';

import 'package:flutter_test/flutter_test.dart';

import '../../testing/rounding_comparator.dart';

Pixels _pixels(int width, List<int> rgba) =>
    (width: width, rgba: Uint8List.fromList(rgba));

void main() {
  final white = _pixels(1, [255, 255, 255, 255]);

  test('what differs by rounding is alike', () {
    expect(areAlike(white, _pixels(1, [253, 255, 254, 255])), isTrue);
  });

  test('what can be seen to differ is not', () {
    expect(areAlike(white, _pixels(1, [255, 252, 255, 255])), isFalse);
  });

  test('another size is not', () {
    final two = List.filled(8, 255);
    expect(areAlike(white, _pixels(1, two)), isFalse);
    expect(areAlike(_pixels(2, two), _pixels(1, two)), isFalse);
  });
}
