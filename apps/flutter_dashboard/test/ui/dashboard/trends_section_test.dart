import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/share_outcome.dart';
import 'package:flutter_dashboard/domain/result.dart';
import 'package:flutter_dashboard/ui/core/chart/line_chart.dart';
import 'package:flutter_dashboard/ui/dashboard/trends_screen.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../testing/app.dart';
import '../../../testing/models.dart';

const _tall = Size(360, 1400);

void main() {
  late TestApp app;

  setUp(() => app = TestApp());

  void shown(String what, Future<void> Function(WidgetTester tester) then) =>
      testWidgets(what, (tester) async {
        await app.show(tester, size: _tall);
        await then(tester);
        await TestApp.close(tester);
      });

  Future<void> tap(WidgetTester tester, Finder what) async {
    await tester.tap(what);
    await tester.pumpAndSettle();
  }

  shown('one metric at a time, until they are compared', (tester) async {
    int lines() =>
        tester.widget<LineChart>(find.byType(LineChart)).lines.length;
    expect(lines(), 1);
    await tap(tester, find.widgetWithText(ChoiceChip, 'Generation'));
    expect(lines(), 1);

    await tap(tester, find.text('Compare'));
    expect(lines(), 3);
    await tap(tester, find.widgetWithText(FilterChip, 'SoC'));
    expect(lines(), 2);
    await tap(tester, find.text('Compare'));
    expect(lines(), 1);
  });

  shown('all periods can be chosen', (tester) async {
    await tap(tester, find.byTooltip('Choose a period'));
    await tap(tester, find.text('30 days'));
    expect(app.histories.asked.last.$3, Period.month);
  });

  shown('buttons zoom like fingers do', (tester) async {
    final viewport = tester.widget<LineChart>(find.byType(LineChart)).viewport;
    final length = viewport.length;
    await tap(tester, find.byTooltip('Zoom in'));
    await tap(tester, find.byTooltip('Zoom in'));
    expect(viewport.length, closeTo(length / 4, 1));
    await tap(tester, find.byTooltip('Zoom out'));
    expect(viewport.length, closeTo(length / 2, 1));
    await tap(tester, find.byTooltip('Show all'));
    expect(viewport.isZoomed, isFalse);
  });

  shown('what is there stays while finer is on its way, and after that fails', (
    tester,
  ) async {
    app.histories.answer = (metric, period) => Ok(history(metric: metric));
    await tap(tester, find.byTooltip('Zoom in'));
    await tester.pump(const Duration(seconds: 1));
    await tester.pumpAndSettle();

    expect(find.byType(LineChart), findsOneWidget);
    expect(find.textContaining('No more detail for now.'), findsOneWidget);
    app.histories.detailAnswer = (metric, start, end) => Ok(
      History(
        metric: metric,
        start: start,
        end: end,
        lines: history(metric: metric).lines,
      ),
    );
    await tap(tester, find.text('Retry'));
    expect(find.textContaining('No more detail for now.'), findsNothing);
  });

  shown('the full screen is the same chart, turned', (tester) async {
    final turned = <Object?>[];
    tester.binding.defaultBinaryMessenger.setMockMethodCallHandler(
      SystemChannels.platform,
      (call) async {
        if (call.method == 'SystemChrome.setPreferredOrientations') {
          turned.add(call.arguments);
        }
        return null;
      },
    );
    await tap(tester, find.byTooltip('Zoom in'));
    final viewport = tester.widget<LineChart>(find.byType(LineChart)).viewport;
    await tap(tester, find.byTooltip('Full screen'));

    final large = tester.widget<LineChart>(
      find.descendant(
        of: find.byType(TrendsScreen),
        matching: find.byType(LineChart),
      ),
    );
    expect(large.viewport, same(viewport));
    final asked = app.histories.asked.length;
    await tester.pump(const Duration(minutes: 1));
    expect(app.histories.asked.length, asked + 1, reason: 'it goes on');
    await tap(tester, find.byType(CloseButton));
    expect(turned, [
      ['DeviceOrientation.landscapeLeft', 'DeviceOrientation.landscapeRight'],
      <Object?>[],
    ]);
  });

  shown('a table is shared, and where it lies is said', (tester) async {
    await tap(tester, find.byTooltip('Export'));
    await tap(tester, find.text('Table (CSV)'));

    expect(app.shares.files.single.mimeType, 'text/csv');
    expect(
      find.text('Saved as /home/amina/Downloads/curve.csv'),
      findsOneWidget,
    );
  });

  shown('a picture is shared, and a full disk is told', (tester) async {
    app.shares.answer = const NotShared();
    await tap(tester, find.byTooltip('Export'));
    await tap(tester, find.text('Picture (PNG)'));
    await tester.runAsync(() => app.shares.first);
    await tester.pumpAndSettle();

    final file = app.shares.files.single;
    expect(file.mimeType, 'image/png');
    expect(file.bytes.take(4), [0x89, 0x50, 0x4E, 0x47]);
    expect(find.text('The file could not be saved.'), findsOneWidget);
  });

  for (final themeMode in [ThemeMode.light, ThemeMode.dark]) {
    testWidgets('everybody can use it when it is ${themeMode.name}', (
      tester,
    ) async {
      final semantics = tester.ensureSemantics();
      await app.show(tester, size: _tall, themeMode: themeMode);
      await tap(tester, find.text('Compare'));

      await expectLater(tester, meetsGuideline(textContrastGuideline));
      await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
      await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
      semantics.dispose();
      await TestApp.close(tester);
    });
  }
}
