import 'auth_words.dart';

class SwahiliAuthWords implements AuthWords {
  const SwahiliAuthWords();

  @override
  String get username => 'Jina la mtumiaji';

  @override
  String get enterUsername => 'Andika jina lako la mtumiaji.';

  @override
  String get password => 'Nenosiri';

  @override
  String get enterPassword => 'Andika nenosiri lako.';

  @override
  String get showPassword => 'Onyesha nenosiri';

  @override
  String get hidePassword => 'Ficha nenosiri';

  @override
  String get login => 'Ingia';

  @override
  String get signingIn => 'Inaingia';

  @override
  String get signOut => 'Ondoka';

  @override
  String get signOutQuestion => 'Ungependa kuondoka?';

  @override
  String get signOutConsequence =>
      'Taarifa za mwisho za gridi zako zitafutwa kwenye kifaa hiki.';

  @override
  String get stay => 'Baki';
}
