/// Where one can go, as paths.
abstract final class Routes {
  /// The login, or the places of the navigation.
  static const home = '/';

  /// The settings by themselves, as before the login.
  static const settings = '/settings';

  static String alert(String gridId, String alertId) =>
      '/grids/${Uri.encodeComponent(gridId)}/alerts/${Uri.encodeComponent(alertId)}';
}

/// An alert that somebody wants to see.
typedef AlertPlace = ({String gridId, String alertId});

/// The alert of a path as [Routes.alert] makes it, or of a link `microgrid://grids/{grid_id}/alerts/{alert_id}`; null
/// for anything else. Links come from anywhere: what is no identifier of the API is not looked for.
AlertPlace? alertPlaceOf(String location) {
  final uri = Uri.tryParse(location);
  if (uri == null) {
    return null;
  }
  final isLink = uri.scheme == 'microgrid';
  if (!isLink && uri.hasScheme) {
    return null;
  }
  // For a Uri, what follows the two slashes of a link is a host.
  final segments = [if (isLink) uri.host, ...uri.pathSegments];
  return switch (segments) {
    ['grids', final gridId, 'alerts', final alertId]
        when _gridId.hasMatch(gridId) && _alertId.hasMatch(alertId) =>
      (gridId: gridId, alertId: alertId),
    _ => null,
  };
}

final _gridId = RegExp(r'^[A-Za-z0-9_-]{1,64}$');
final _alertId = RegExp(r'^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,99}$');
