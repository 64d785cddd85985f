import 'package:flutter_dashboard/routing/routes.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  const place = (gridId: 'village-1', alertId: 'alert-village-1-7');

  test('an alert is found by its path and by its link', () {
    expect(alertPlaceOf(Routes.alert(place.gridId, place.alertId)), place);
    expect(
      alertPlaceOf('microgrid://grids/village-1/alerts/alert-village-1-7'),
      place,
    );
  });

  for (final strange in [
    '/',
    '',
    'https://elsewhere.example/grids/village-1/alerts/7',
    'microgrid://devices/village-1/alerts/7',
    '/grids/village-1/alerts',
    '/grids/village-1/alerts/7/more',
    '/grids/..%2F..%2Fapi/alerts/7',
    '/grids/village-1/alerts/a%20b',
    '/grids/village-1/alerts/${'7' * 101}',
    'microgrid://grids/%zz/alerts/7',
  ]) {
    test('"$strange" is no alert', () => expect(alertPlaceOf(strange), isNull));
  }
}
