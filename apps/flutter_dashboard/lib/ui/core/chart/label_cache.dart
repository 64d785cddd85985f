import 'package:flutter/painting.dart';

/// Labels that are laid out once, and not in every frame.
class LabelCache {
  final _labels = <(String, TextStyle, TextScaler), TextPainter>{};

  /// Old ones are forgotten beyond this: who moves through months sees many.
  static const _most = 200;

  TextPainter label(String text, TextStyle style, TextScaler scaler) {
    if (_labels.length > _most) {
      clear();
    }
    return _labels[(text, style, scaler)] ??= TextPainter(
      text: TextSpan(text: text, style: style),
      textDirection: TextDirection.ltr,
      textScaler: scaler,
      maxLines: 1,
    )..layout();
  }

  void clear() {
    for (final label in _labels.values) {
      label.dispose();
    }
    _labels.clear();
  }
}
