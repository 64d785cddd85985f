import 'dart:math';

import 'package:flutter_dashboard/domain/models/history.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/ui/core/chart/samples.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../../../testing/models.dart';

void main() {
  /// Pieces of any length, with any times between their points.
  List<List<HistoryPoint>> anyPieces(Random random) {
    var time = kNow.millisecondsSinceEpoch;
    return [
      for (var piece = 0; piece <= random.nextInt(12); piece++)
        [
          for (var count = 0; count <= random.nextInt(300); count++)
            () {
              time += 1 + random.nextInt(count == 0 ? 5000000 : 9000);
              final value = random.nextDouble() * 20 - 5;
              return HistoryPoint(
                time: DateTime.fromMillisecondsSinceEpoch(time, isUtc: true),
                value: value,
                lowest: value - random.nextDouble(),
                highest: value + random.nextDouble(),
              );
            }(),
        ],
    ];
  }

  test('in every resolution, the extremes of every piece are there, and no gap is closed', () {
    final random = Random(7);
    for (var attempt = 0; attempt < 60; attempt++) {
      final pieces = anyPieces(random);
      final levels = SampleLevels(Samples.of(pieces));
      for (var pixel = 1.0; pixel < 1e9; pixel *= 7) {
        final found = _pieces(levels.forPixel(pixel));
        expect(found, hasLength(pieces.length));
        for (final (index, piece) in pieces.indexed) {
          final lows = piece.map((point) => point.lowest);
          final highs = piece.map((point) => point.highest);
          expect(found[index].low, lows.reduce(min));
          expect(found[index].high, highs.reduce(max));
          expect(found[index].count, piece.length);
          expect(
            found[index].first,
            greaterThanOrEqualTo(piece.first.time.millisecondsSinceEpoch),
          );
          expect(
            found[index].last,
            lessThanOrEqualTo(piece.last.time.millisecondsSinceEpoch),
          );
        }
      }
    }
  });

  test('a spike is in the sample that stands for its time', () {
    final points = [
      for (var second = 0; second < 10000; second++)
        HistoryPoint(
          time: kNow.add(Duration(seconds: second)),
          value: second == 6543 ? 40 : 5,
          lowest: second == 6543 ? 40 : 5,
          highest: second == 6543 ? 40 : 5,
        ),
    ];
    final coarse = SampleLevels(Samples.of([points])).forPixel(30000);

    expect(coarse.length, lessThan(400));
    final spikes = [
      for (var index = 0; index < coarse.length; index++)
        if (coarse.highs[index] == 40) coarse.times[index],
    ];
    expect(
      spikes.single,
      closeTo(points[6543].time.millisecondsSinceEpoch, 60000),
    );
  });

  test('there are no more samples than the picture is wide', () {
    final levels = SampleLevels(
      Samples.of([
        [
          for (var second = 0; second < 10000; second++)
            HistoryPoint(
              time: kNow.add(Duration(seconds: second)),
              value: 1,
              lowest: 1,
              highest: 1,
            ),
        ],
      ]),
    );
    for (final width in [100, 300, 1000, 5000]) {
      expect(
        levels.forPixel(10000 * 1000 / width).length,
        inInclusiveRange(width ~/ 2 - 1, width + 1),
      );
    }
    expect(levels.forPixel(500), same(levels.finest));
  });

  test('a resolution is made once', () {
    final levels = SampleLevels(Samples.of(history().lines));
    expect(levels.forPixel(1e7), same(levels.forPixel(1e7)));
  });

  test('in a gap there is no value, but near its edges', () {
    final curve = history();
    final samples = Samples.of(curve.lines);
    final last = curve.lines.first.last.time.millisecondsSinceEpoch.toDouble();
    final next = curve.lines.last.first.time.millisecondsSinceEpoch.toDouble();

    expect(samples.at((last + next) / 2, slack: 60000), isNull);
    expect(samples.at(last + 50000, slack: 60000), 31);
    expect(samples.at(next - 50000, slack: 60000), 32);
    expect(samples.at(samples.times[5] + 1, slack: 0), 5);
    expect(samples.at(samples.times[6] - 1, slack: 0), 6);
  });

  test('devices that measure at the same time are curves of their own', () {
    HistoryPoint point(int minute) => HistoryPoint(
      time: kNow.add(Duration(minutes: minute)),
      value: 1,
      lowest: 1,
      highest: 1,
    );
    final curves = curvesOf(
      History(
        metric: Metric.consumption,
        start: kNow,
        end: kNow.add(const Duration(hours: 1)),
        lines: [
          [point(0), point(2)],
          [point(10), point(12)],
          [point(1), point(11)],
        ],
      ),
    );
    expect(curves.map((curve) => curve.finest.length), [4, 2]);
  });
}

typedef _Piece = ({
  double low,
  double high,
  int count,
  double first,
  double last,
});

List<_Piece> _pieces(Samples samples) {
  final pieces = <_Piece>[];
  for (var index = 0; index < samples.length; index++) {
    final here = (
      low: samples.lows[index],
      high: samples.highs[index],
      count: samples.counts[index],
      first: samples.times[index],
      last: samples.times[index],
    );
    if (samples.beginsPiece(index)) {
      pieces.add(here);
    } else {
      final before = pieces.removeLast();
      pieces.add((
        low: min(before.low, here.low),
        high: max(before.high, here.high),
        count: before.count + here.count,
        first: before.first,
        last: here.last,
      ));
    }
  }
  return pieces;
}
