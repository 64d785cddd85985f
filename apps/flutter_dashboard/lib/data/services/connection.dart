import 'package:flutter/foundation.dart';

/// Whether the server is heard.
enum Link {
  /// It has not answered yet since the app was opened.
  connecting,
  online,
  offline,
}

/// Whether the server is heard, for all of the app: whoever talks to it says how that went.
///
/// It notifies when that changes, and not with each answer.
class Connection extends ChangeNotifier {
  Connection({DateTime Function() now = DateTime.now}) : _now = now;

  final DateTime Function() _now;
  Link _link = Link.connecting;
  DateTime? _lastHeardAt;

  Link get link => _link;

  /// By the clock of this device; null while it was not heard since the app was opened.
  DateTime? get lastHeardAt => _lastHeardAt;

  /// The server has answered, be it that it refused something.
  void heard() {
    _lastHeardAt = _now();
    _become(Link.online);
  }

  /// It was not reached, or did not answer in time.
  void lost() => _become(Link.offline);

  void _become(Link link) {
    if (link != _link) {
      _link = link;
      notifyListeners();
    }
  }
}
