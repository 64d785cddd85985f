import 'auth_words.dart';

class HindiAuthWords implements AuthWords {
  const HindiAuthWords();

  @override
  String get username => 'उपयोगकर्ता नाम';

  @override
  String get enterUsername => 'अपना उपयोगकर्ता नाम लिखें।';

  @override
  String get password => 'पासवर्ड';

  @override
  String get enterPassword => 'अपना पासवर्ड लिखें।';

  @override
  String get showPassword => 'पासवर्ड दिखाएँ';

  @override
  String get hidePassword => 'पासवर्ड छिपाएँ';

  @override
  String get login => 'लॉगिन करें';

  @override
  String get signingIn => 'लॉगिन हो रहा है';

  @override
  String get signOut => 'लॉगआउट करें';

  @override
  String get signOutQuestion => 'लॉगआउट करें?';

  @override
  String get signOutConsequence =>
      'आपके ग्रिड की अंतिम जानकारी इस डिवाइस से हटा दी जाएगी।';

  @override
  String get stay => 'बने रहें';
}
