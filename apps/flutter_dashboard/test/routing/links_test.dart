import 'package:flutter/services.dart';
import 'package:flutter_dashboard/ui/auth/login_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';

/// As the phone says that a link was followed.
Future<void> follow(WidgetTester tester, String link) async {
  await tester.binding.defaultBinaryMessenger.handlePlatformMessage(
    'flutter/navigation',
    const JSONMethodCodec().encodeMethodCall(
      MethodCall('pushRouteInformation', {'location': link, 'state': null}),
    ),
    (_) {},
  );
  await tester.pump();
}

void main() {
  const link = 'microgrid://grids/village-2/alerts/alert-village-2-7';

  testWidgets('a link leads to its grid', (tester) async {
    final app = TestApp();
    await app.show(tester);
    await follow(tester, link);

    expect(app.selectedGrid.gridId, 'village-2');
    await TestApp.close(tester);
  });

  testWidgets('a link waits for the login', (tester) async {
    final app = TestApp(isSignedIn: false);
    await app.show(tester);
    await follow(tester, link);
    expect(app.selectedGrid.gridId, isNull);

    await app.auth.signIn('amina', 'password');
    await tester.pump();
    expect(app.selectedGrid.gridId, 'village-2');
    await TestApp.close(tester);
  });

  testWidgets('a link that means nothing here opens nothing', (tester) async {
    final app = TestApp(isSignedIn: false);
    await app.show(tester);
    await follow(tester, 'https://elsewhere.example/grids/a/alerts/b');
    await follow(tester, '/nowhere');

    expect(find.byType(LoginScreen), findsOneWidget);
    expect(tester.takeException(), isNull);
  });
}
