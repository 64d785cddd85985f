import 'shell_words.dart';

class HindiShellWords implements ShellWords {
  const HindiShellWords();

  @override
  String get dashboard => 'डैशबोर्ड';

  @override
  String get grids => 'ग्रिड';

  @override
  String get alerts => 'अलर्ट';

  @override
  String get devices => 'उपकरण';

  @override
  String get energy => 'ऊर्जा';

  @override
  String get settings => 'सेटिंग';

  @override
  String get more => 'और';
}
