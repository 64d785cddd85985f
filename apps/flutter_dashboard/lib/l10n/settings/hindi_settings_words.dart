import 'package:intl/intl.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';
import 'settings_words.dart';

class HindiSettingsWords implements SettingsWords {
  const HindiSettingsWords();

  @override
  String get look => 'दिखावट';

  @override
  String get theme => 'थीम';

  @override
  String appearanceName(Appearance appearance) => switch (appearance) {
    Appearance.system => 'डिवाइस के अनुसार',
    Appearance.light => 'हल्की',
    Appearance.dark => 'गहरी',
  };

  @override
  String get language => 'भाषा';

  @override
  String get languageOfDevice => 'डिवाइस के अनुसार';

  @override
  String get server => 'सर्वर';

  @override
  String get address => 'पता';

  @override
  String addressProblem(AddressProblem problem) => switch (problem) {
    AddressProblem.none => 'https://grid.example जैसा पता लिखें।',
    AddressProblem.unencrypted =>
      'इस डिवाइस के बाहर केवल https:// सुरक्षित है।',
  };

  @override
  String get pin => 'सर्वर की कुंजी (वैकल्पिक)';

  @override
  String get pinHelp =>
      'सर्वर की सार्वजनिक कुंजी का SHA-256, जो आपका प्रशासक देता है। इसके साथ ऐप किसी और सर्वर से बात नहीं करता। नहीं हो तो खाली छोड़ें।';

  @override
  String get pinProblem => '64 हेक्साडेसिमल अंक या Base64 चाहिए।';

  @override
  String get save => 'सहेजें';

  @override
  String get changeServerQuestion => 'सर्वर बदलें?';

  @override
  String get changeServerConsequence => 'आप मौजूदा सर्वर से लॉगआउट हो जाएँगे।';

  @override
  String get change => 'बदलें';

  @override
  String get account => 'खाता';

  @override
  String get signedInAs => 'उपयोगकर्ता';

  @override
  String actionsAreLost(int count) => Intl.plural(
    count,
    locale: 'hi',
    one: 'कनेक्शन का इंतज़ार कर रही 1 कार्रवाई मिट जाएगी।',
    other: 'कनेक्शन का इंतज़ार कर रही $count कार्रवाइयाँ मिट जाएँगी।',
  );

  @override
  String get about => 'ऐप के बारे में';

  @override
  String get version => 'संस्करण';
}
