import 'dart:typed_data';
import 'dart:ui' as ui;

import 'package:flutter_test/flutter_test.dart';

/// Compares pictures, and lets pass what another processor rounds otherwise.
class RoundingComparator extends LocalFileComparator {
  RoundingComparator(super.testFile);

  /// A red, green, blue or alpha of 0 to 255 may differ by this.
  static const mostByRounding = 2;

  @override
  Future<bool> compare(Uint8List imageBytes, Uri golden) async {
    final drawn = await _pixels(imageBytes);
    final wanted = await _pixels(
      Uint8List.fromList(await getGoldenBytes(golden)),
    );
    return areAlike(drawn, wanted) || await super.compare(imageBytes, golden);
  }
}

/// Whether two pictures are the same but for rounding.
bool areAlike(Pixels one, Pixels other) {
  if (one.width != other.width || one.rgba.length != other.rgba.length) {
    return false;
  }
  for (var index = 0; index < one.rgba.length; index++) {
    final difference = one.rgba[index] - other.rgba[index];
    if (difference.abs() > RoundingComparator.mostByRounding) {
      return false;
    }
  }
  return true;
}

/// A picture: four bytes a pixel, row after row.
typedef Pixels = ({int width, Uint8List rgba});

Future<Pixels> _pixels(Uint8List png) async {
  final codec = await ui.instantiateImageCodec(png);
  final image = (await codec.getNextFrame()).image;
  final data = await image.toByteData();
  final pixels = (width: image.width, rgba: data!.buffer.asUint8List());
  image.dispose();
  codec.dispose();
  return pixels;
}
