import 'auth_words.dart';

class EnglishAuthWords implements AuthWords {
  const EnglishAuthWords();

  @override
  String get username => 'User name';

  @override
  String get enterUsername => 'Enter your user name.';

  @override
  String get password => 'Password';

  @override
  String get enterPassword => 'Enter your password.';

  @override
  String get showPassword => 'Show password';

  @override
  String get hidePassword => 'Hide password';

  @override
  String get login => 'Login';

  @override
  String get signingIn => 'Signing in';

  @override
  String get signOut => 'Sign out';

  @override
  String get signOutQuestion => 'Sign out?';

  @override
  String get signOutConsequence =>
      'What was last known of your grids is removed from this device.';

  @override
  String get stay => 'Stay';
}
