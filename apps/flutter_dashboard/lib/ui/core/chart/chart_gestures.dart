import 'package:flutter/gestures.dart';

/// Moves and pinches of a chart that lies in a page which is scrolled up and down.
///
/// One finger that goes sideways moves the chart, two fingers are for the chart at once; one finger that goes up or down
/// is left to the page.
class ChartGestureRecognizer extends ScaleGestureRecognizer {
  ChartGestureRecognizer({super.debugOwner}) {
    // What one finger means is decided below, and not by how far it went in any direction.
    gestureSettings = const DeviceGestureSettings(touchSlop: 1e6);
  }

  final _begun = <int, Offset>{};

  @override
  void handleEvent(PointerEvent event) {
    if (event is PointerDownEvent) {
      _begun[event.pointer] = event.position;
      if (_begun.length > 1) {
        resolve(GestureDisposition.accepted);
      }
    } else if (event is PointerMoveEvent) {
      if (_begun[event.pointer] case final begun?) {
        final moved = event.position - begun;
        if (moved.dx.abs() > computeHitSlop(event.kind, null) &&
            moved.dx.abs() > moved.dy.abs()) {
          resolve(GestureDisposition.accepted);
        }
      }
    } else if (event is PointerUpEvent || event is PointerCancelEvent) {
      _begun.remove(event.pointer);
    }
    super.handleEvent(event);
  }

  @override
  void rejectGesture(int pointer) {
    _begun.remove(pointer);
    super.rejectGesture(pointer);
  }

  @override
  String get debugDescription => 'chart';
}
