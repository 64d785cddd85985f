import 'package:flutter/widgets.dart';
import 'package:flutter_dashboard/domain/models/language.dart';
import 'package:flutter_dashboard/domain/models/metric.dart';
import 'package:flutter_dashboard/l10n/words.dart';
import 'package:flutter_dashboard/l10n/words_delegate.dart';
import 'package:flutter_test/flutter_test.dart';

import '../../testing/models.dart';

Future<Words> _words(Language language) =>
    const WordsDelegate().load(Locale(language.code));

void main() {
  for (final (language, number, day, age) in [
    (Language.english, '10.5', '24 Nov', '3 h ago'),
    (Language.french, '10,5', '24 nov.', 'il y a 3 h'),
    (Language.spanish, '10,5', '24 nov', 'hace 3 h'),
    (Language.swahili, '10.5', '24 Nov', 'saa 3 zilizopita'),
    (Language.hindi, '10.5', '24 नव॰', '3 घंटे पहले'),
  ]) {
    test(
      'numbers, days and ages are as ${language.ownName} has them',
      () async {
        final words = await _words(language);
        expect(words.formats.value(Metric.generation, 10.5), number);
        expect(words.formats.day(kNow), day);
        expect(words.common.age(const Duration(hours: 3)), age);
      },
    );
  }

  test('one hour is not several', () async {
    const hour = Duration(hours: 1);
    expect(
      (await _words(Language.swahili)).common.age(hour),
      'saa 1 iliyopita',
    );
    expect((await _words(Language.hindi)).common.age(hour), '1 घंटा पहले');
  });

  test('the time alone is of today', () async {
    final formats = (await _words(Language.english)).formats;
    final yesterday = kNow.subtract(const Duration(days: 1));
    expect(formats.time(kNow, now: kNow), '10:30');
    expect(formats.time(yesterday, now: kNow), '23 Nov, 10:30');
    expect(formats.exactTime(kNow), '24 Nov 2026, 10:30:00');
  });

  test('a language that the app does not speak is not claimed', () {
    const delegate = WordsDelegate();
    expect(delegate.isSupported(const Locale('de')), isFalse);
    expect(delegate.isSupported(const Locale('fr', 'CD')), isTrue);
  });
}
