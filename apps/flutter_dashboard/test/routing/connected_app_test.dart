import 'package:flutter_dashboard/domain/models/app_settings.dart';
import 'package:flutter_dashboard/domain/models/certificate_pin.dart';
import 'package:flutter_dashboard/routing/connected_app.dart';
import 'package:flutter_dashboard/ui/auth/login_screen.dart';
import 'package:flutter_dashboard/ui/dashboard/dashboard_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/app.dart';
import '../../testing/fakes/settings.dart';

void main() {
  late FakeSettings settings;
  late TestApp first;
  late TestApp second;
  late int connections;

  setUp(() {
    settings = FakeSettings();
    first = TestApp();
    second = TestApp();
    connections = 0;
  });

  Future<void> show(WidgetTester tester) async {
    await tester.pumpWidget(
      ConnectedApp(
        settings: settings,
        connect: () async {
          connections++;
          // A login goes over to the next connection as long as it is there.
          second.auth.isSignedIn = first.auth.isSignedIn;
          return second.dependencies;
        },
        first: first.dependencies,
      ),
    );
    await tester.pumpAndSettle(const Duration(milliseconds: 10));
  }

  testWidgets('another server is another login', (tester) async {
    await show(tester);
    await settings.change(
      settings.current.withServer(Uri.parse('https://grid.example'), null),
    );
    await tester.pumpAndSettle(const Duration(milliseconds: 10));

    expect(connections, 1);
    expect(first.auth.isSignedIn, isFalse);
    expect(find.byType(LoginScreen), findsOneWidget);
    await TestApp.close(tester);
  });

  testWidgets('another key of the same server is the same login', (
    tester,
  ) async {
    await show(tester);
    final current = settings.current;
    await settings.change(
      current.withServer(current.server, CertificatePin.parse('ab' * 32)),
    );
    await tester.pumpAndSettle(const Duration(milliseconds: 10));

    expect(connections, 1);
    expect(first.auth.isSignedIn, isTrue);
    expect(find.byType(DashboardScreen), findsOneWidget);
    await TestApp.close(tester);
  });

  testWidgets('what has nothing to do with the server keeps the connection', (
    tester,
  ) async {
    await show(tester);
    await settings.change(settings.current.withAppearance(Appearance.dark));
    await tester.pumpAndSettle(const Duration(milliseconds: 10));

    expect(connections, 0);
    await TestApp.close(tester);
  });
}
