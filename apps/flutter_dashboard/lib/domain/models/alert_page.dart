import 'alert.dart';

/// Which alerts of a grid are asked for.
enum AlertScope {
  /// Those that last and are not put aside.
  active,

  /// Those that last and are shelved, suppressed or out of service.
  putAside,

  /// Those that have ended.
  resolved,
}

/// Some alerts of a grid, the newest first, as the server gives them.
class AlertPage {
  const AlertPage({required this.alerts, required this.next});

  final List<Alert> alerts;

  /// Where the next page begins; null when there is no more.
  final String? next;
}
