import 'shell_words.dart';

class SwahiliShellWords implements ShellWords {
  const SwahiliShellWords();

  @override
  String get dashboard => 'Dashibodi';

  @override
  String get grids => 'Gridi';

  @override
  String get alerts => 'Tahadhari';

  @override
  String get devices => 'Vifaa';

  @override
  String get energy => 'Nishati';

  @override
  String get settings => 'Mipangilio';

  @override
  String get more => 'Zaidi';
}
