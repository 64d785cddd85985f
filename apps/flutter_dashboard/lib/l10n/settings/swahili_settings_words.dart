import 'package:intl/intl.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';
import 'settings_words.dart';

class SwahiliSettingsWords implements SettingsWords {
  const SwahiliSettingsWords();

  @override
  String get look => 'Mwonekano';

  @override
  String get theme => 'Mandhari';

  @override
  String appearanceName(Appearance appearance) => switch (appearance) {
    Appearance.system => 'Kama kifaa hiki',
    Appearance.light => 'Angavu',
    Appearance.dark => 'Giza',
  };

  @override
  String get language => 'Lugha';

  @override
  String get languageOfDevice => 'Kama kifaa hiki';

  @override
  String get server => 'Seva';

  @override
  String get address => 'Anwani';

  @override
  String addressProblem(AddressProblem problem) => switch (problem) {
    AddressProblem.none => 'Andika anwani kama https://grid.example.',
    AddressProblem.unencrypted =>
      'Nje ya kifaa hiki ni https:// pekee iliyo salama.',
  };

  @override
  String get pin => 'Ufunguo wa seva (si lazima)';

  @override
  String get pinHelp =>
      'SHA-256 ya ufunguo wa umma wa seva, unaopewa na msimamizi wako. Ukiuweka, programu haitawasiliana na seva nyingine. La sivyo, acha wazi.';

  @override
  String get pinProblem =>
      'Tarakimu 64 za heksadesimali au Base64 zinahitajika.';

  @override
  String get save => 'Hifadhi';

  @override
  String get changeServerQuestion => 'Ungependa kubadilisha seva?';

  @override
  String get changeServerConsequence => 'Utaondolewa kwenye seva ya sasa.';

  @override
  String get change => 'Badilisha';

  @override
  String get account => 'Akaunti';

  @override
  String get signedInAs => 'Umeingia kama';

  @override
  String actionsAreLost(int count) => Intl.plural(
    count,
    locale: 'sw',
    one: 'Kitendo 1 kinachosubiri muunganisho kitapotea.',
    other: 'Vitendo $count vinavyosubiri muunganisho vitapotea.',
  );

  @override
  String get about => 'Kuhusu';

  @override
  String get version => 'Toleo';
}
