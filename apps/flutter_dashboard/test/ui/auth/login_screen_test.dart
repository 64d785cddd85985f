import 'package:flutter/material.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/auth/login_screen.dart';
import 'package:flutter_dashboard/ui/dashboard/dashboard_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';

void main() {
  late TestApp app;

  setUp(() => app = TestApp(isSignedIn: false));

  Future<void> signIn(WidgetTester tester) async {
    await tester.enterText(find.byType(TextField).first, ' user ');
    await tester.enterText(find.byType(TextField).last, 'password ');
    await tester.tap(find.text('Login'));
    await tester.pump();
  }

  testWidgets('there are two fields and a Login button', (tester) async {
    await app.show(tester);

    expect(find.byType(TextField), findsNWidgets(2));
    expect(find.widgetWithText(FilledButton, 'Login'), findsOneWidget);
    final password = tester.widget<TextField>(find.byType(TextField).last);
    expect(password.obscureText, isTrue);
  });

  testWidgets('signing in leads to the dashboard', (tester) async {
    await app.show(tester);
    await signIn(tester);

    expect(app.auth.attempts, [('user', 'password ')]);
    expect(find.byType(DashboardScreen), findsOneWidget);
    expect(find.byType(LoginScreen), findsNothing);
    await TestApp.close(tester);
  });

  testWidgets('a refusal is shown, and can be tried again', (tester) async {
    app.auth.answer = const Failed(
      Refused(401, 'The user name or the password is wrong.'),
    );
    await app.show(tester);
    await signIn(tester);
    await tester.pump();

    expect(
      find.text('The user name or the password is wrong.'),
      findsOneWidget,
    );
    app.auth.answer = const Ok(null);
    await signIn(tester);
    expect(find.byType(DashboardScreen), findsOneWidget);
    await TestApp.close(tester);
  });

  testWidgets('empty fields are not sent', (tester) async {
    await app.show(tester);
    await tester.tap(find.text('Login'));
    await tester.pump();

    expect(app.auth.attempts, isEmpty);
    expect(find.text('Enter your user name.'), findsOneWidget);
    expect(find.text('Enter your password.'), findsOneWidget);
  });

  testWidgets('a login that ended says so', (tester) async {
    app = TestApp();
    await app.show(tester);
    app.auth.end();
    await tester.pumpAndSettle();

    expect(find.text('Your login has ended: sign in again.'), findsOneWidget);
  });

  for (final scale in [1.0, 2.0]) {
    testWidgets('everybody can use it, with text of ${scale * 100} %', (
      tester,
    ) async {
      final semantics = tester.ensureSemantics();
      await app.show(tester, textScale: scale);

      await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
      await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
      await expectLater(tester, meetsGuideline(textContrastGuideline));
      semantics.dispose();
    });
  }
}
