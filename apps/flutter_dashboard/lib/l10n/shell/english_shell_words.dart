import 'shell_words.dart';

class EnglishShellWords implements ShellWords {
  const EnglishShellWords();

  @override
  String get dashboard => 'Dashboard';

  @override
  String get grids => 'Grids';

  @override
  String get alerts => 'Alerts';

  @override
  String get devices => 'Devices';

  @override
  String get energy => 'Energy';

  @override
  String get settings => 'Settings';

  @override
  String get more => 'More';
}
