import 'shell_words.dart';

class SpanishShellWords implements ShellWords {
  const SpanishShellWords();

  @override
  String get dashboard => 'Panel';

  @override
  String get grids => 'Redes';

  @override
  String get alerts => 'Alertas';

  @override
  String get devices => 'Equipos';

  @override
  String get energy => 'Energía';

  @override
  String get settings => 'Ajustes';

  @override
  String get more => 'Más';
}
