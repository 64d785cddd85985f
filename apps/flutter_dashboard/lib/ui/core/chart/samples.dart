import 'dart:math';
import 'dart:typed_data';

import '../../../domain/models/history.dart';

/// A curve as columns of numbers, in the order of time: what the chart reads in every frame.
class Samples {
  Samples._(int length)
    : times = Float64List(length),
      values = Float64List(length),
      lows = Float64List(length),
      highs = Float64List(length),
      counts = Uint32List(length),
      _pieceOf = Uint32List(length);

  /// The pieces of a curve, one after the other.
  factory Samples.of(List<List<HistoryPoint>> pieces) {
    final samples = Samples._(
      pieces.fold(0, (total, piece) => total + piece.length),
    );
    var index = 0;
    for (final (number, piece) in pieces.indexed) {
      for (final point in piece) {
        samples
          ..times[index] = point.time.millisecondsSinceEpoch.toDouble()
          ..values[index] = point.value
          ..lows[index] = point.lowest
          ..highs[index] = point.highest
          ..counts[index] = 1
          .._pieceOf[index] = number;
        index++;
      }
    }
    return samples;
  }

  /// In milliseconds since 1970, UTC.
  final Float64List times;

  final Float64List values;
  final Float64List lows;
  final Float64List highs;

  /// How many samples of the finest level each stands for.
  final Uint32List counts;

  final Uint32List _pieceOf;

  int get length => times.length;

  /// Whether no line leads to a sample from the one before: there is a gap, or nothing.
  bool beginsPiece(int index) =>
      index == 0 || _pieceOf[index] != _pieceOf[index - 1];

  /// The first sample at [time] or later; [length] when there is none.
  int firstFrom(double time) {
    var low = 0;
    var high = length;
    while (low < high) {
      final middle = (low + high) >> 1;
      times[middle] < time ? low = middle + 1 : high = middle;
    }
    return low;
  }

  /// The sample that tells of [time]; null in a gap, where none is nearer than [slack] milliseconds.
  int? at(double time, {required double slack}) {
    final next = firstFrom(time);
    final before = next - 1;
    if (next < length && before >= 0 && !beginsPiece(next)) {
      return time - times[before] <= times[next] - time ? before : next;
    }
    final sinceBefore = before < 0 ? double.infinity : time - times[before];
    final untilNext = next == length ? double.infinity : times[next] - time;
    return switch (min(sinceBefore, untilNext)) {
      final distance when distance > slack => null,
      _ => sinceBefore <= untilNext ? before : next,
    };
  }

  /// With one sample for all of a piece that lie in the same slot of [slot] milliseconds.
  ///
  /// Slots begin at the same times wherever one looks: a curve that is moved does not flicker.
  Samples inSlots(double slot) {
    final firsts = <int>[];
    var slotBefore = 0;
    for (var index = 0; index < length; index++) {
      final slotHere = (times[index] / slot).floor();
      if (beginsPiece(index) || slotHere != slotBefore) {
        firsts.add(index);
        slotBefore = slotHere;
      }
    }
    final merged = Samples._(firsts.length);
    for (var into = 0; into < firsts.length; into++) {
      final end = into + 1 < firsts.length ? firsts[into + 1] : length;
      merged._merge(into, this, firsts[into], end);
    }
    return merged;
  }

  void _merge(int into, Samples from, int first, int end) {
    var count = 0;
    var time = 0.0;
    var value = 0.0;
    var low = double.infinity;
    var high = double.negativeInfinity;
    final origin = from.times[first];
    for (var index = first; index < end; index++) {
      final weight = from.counts[index];
      count += weight;
      time += (from.times[index] - origin) * weight;
      value += from.values[index] * weight;
      low = min(low, from.lows[index]);
      high = max(high, from.highs[index]);
    }
    times[into] = origin + time / count;
    values[into] = value / count;
    lows[into] = low;
    highs[into] = high;
    counts[into] = count;
    _pieceOf[into] = from._pieceOf[first];
  }
}

/// A curve in all resolutions; each is made once, from the next finer one, when it is first looked at.
class SampleLevels {
  SampleLevels(this.finest) : _slot = _usualStep(finest) {
    _levels.add(finest);
  }

  final Samples finest;
  final double _slot;
  final _levels = <Samples>[];

  /// The resolution for a picture in which a pixel is so many milliseconds wide: no two samples of a piece share a pixel,
  /// but for neighbours in two slots.
  Samples forPixel(double milliseconds) {
    final wanted = milliseconds <= _slot
        ? 0
        : (log(milliseconds / _slot) / ln2).ceil();
    while (_levels.length <= wanted) {
      _levels.add(_levels.last.inSlots(_slot * (1 << min(_levels.length, 40))));
    }
    return _levels[wanted];
  }
}

double _usualStep(Samples samples) => samples.length < 2
    ? double.maxFinite
    : max((samples.times.last - samples.times.first) / (samples.length - 1), 1);

/// The curves of a history; of several devices, whose times mix, one or more each.
List<SampleLevels> curvesOf(History history) {
  final tracks = <List<List<HistoryPoint>>>[];
  for (final piece in history.lines) {
    final track = tracks
        .where((track) => track.last.last.time.isBefore(piece.first.time))
        .firstOrNull;
    track == null ? tracks.add([piece]) : track.add(piece);
  }
  return [for (final track in tracks) SampleLevels(Samples.of(track))];
}
