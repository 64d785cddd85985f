import 'dart:math';

import 'package:flutter_dashboard/ui/core/chart/ticks.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../../testing/models.dart';

void main() {
  for (final (low, high, ticks) in [
    (0.0, 11.2, [0.0, 5.0, 10.0, 15.0]),
    (0.0, 0.9, [0.0, 0.25, 0.5, 0.75, 1.0]),
    (-3.0, 5.0, [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0]),
    (0.0, 0.0, [0.0, 0.25]),
    (0.0, 1000.0, [0.0, 250.0, 500.0, 750.0, 1000.0]),
  ]) {
    test('an axis from $low to $high has lines at $ticks', () {
      final found = valueTicks(low, high);
      expect(found.length, ticks.length);
      for (final (index, tick) in ticks.indexed) {
        expect(found[index], closeTo(tick, 1e-9));
      }
    });
  }

  test('times are marked at round hours, no more than there is room for', () {
    final ticks = timeTicks(
      kNow.subtract(const Duration(hours: 24)),
      kNow,
      count: 5,
    );
    expect(ticks.map((tick) => tick.time.hour), [12, 18, 0, 6]);
    expect(ticks.map((tick) => tick.time.minute), everyElement(0));
  });

  test('several axes have as many lines, and all values between them', () {
    final random = Random(1);
    for (var attempt = 0; attempt < 500; attempt++) {
      final low = random.nextBool() ? 0.0 : -random.nextDouble() * 30;
      final high = random.nextDouble() * pow(10, random.nextInt(5));
      final ticks = valueTicksInSteps(low, high, steps: 4);
      expect(ticks, hasLength(5));
      expect(ticks.first, lessThanOrEqualTo(low));
      expect(ticks.last, greaterThanOrEqualTo(high * (1 - 1e-9)));
    }
  });

  test('the same times are marked wherever one looks', () {
    for (final length in const [
      Duration(minutes: 2),
      Duration(hours: 7),
      Duration(days: 9),
      Duration(days: 30),
    ]) {
      final marked = timeTicks(kNow, kNow.add(length), count: 6);
      final moved = timeTicks(
        kNow.add(length * 0.3),
        kNow.add(length * 1.3),
        count: 6,
      );
      final both = marked.where(
        (tick) => tick.time.isAfter(kNow.add(length * 0.3)),
      );
      expect(both, isNotEmpty);
      expect(
        moved.map((tick) => tick.time),
        containsAll(both.map((tick) => tick.time)),
      );
      expect(marked.length, lessThanOrEqualTo(7));
    }
  });

  test('the beginning of a day is marked as such', () {
    final ticks = timeTicks(
      kNow.subtract(const Duration(hours: 24)),
      kNow,
      count: 5,
    );
    expect(ticks.map((tick) => tick.isMidnight), [false, false, true, false]);
  });

  test('seconds are told when nothing else tells times apart', () {
    List<TimeTick> over(Duration length) =>
        timeTicks(kNow, kNow.add(length), count: 5);
    expect(
      over(const Duration(minutes: 1)).map((tick) => tick.showsSeconds),
      everyElement(isTrue),
    );
    expect(
      over(const Duration(hours: 1)).map((tick) => tick.showsSeconds),
      everyElement(isFalse),
    );
  });
}
