/// The texts of the login.
abstract interface class AuthWords {
  String get username;
  String get enterUsername;
  String get password;
  String get enterPassword;
  String get showPassword;
  String get hidePassword;
  String get login;
  String get signingIn;
  String get signOut;
  String get signOutQuestion;
  String get signOutConsequence;
  String get stay;
}
