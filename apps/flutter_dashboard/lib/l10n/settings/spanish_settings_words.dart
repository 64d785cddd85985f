import 'package:intl/intl.dart';

import '../../domain/models/app_settings.dart';
import '../../domain/models/server_address.dart';
import 'settings_words.dart';

class SpanishSettingsWords implements SettingsWords {
  const SpanishSettingsWords();

  @override
  String get look => 'Pantalla';

  @override
  String get theme => 'Tema';

  @override
  String appearanceName(Appearance appearance) => switch (appearance) {
    Appearance.system => 'Como el dispositivo',
    Appearance.light => 'Claro',
    Appearance.dark => 'Oscuro',
  };

  @override
  String get language => 'Idioma';

  @override
  String get languageOfDevice => 'Como el dispositivo';

  @override
  String get server => 'Servidor';

  @override
  String get address => 'Dirección';

  @override
  String addressProblem(AddressProblem problem) => switch (problem) {
    AddressProblem.none => 'Escriba una dirección como https://grid.example.',
    AddressProblem.unencrypted =>
      'Fuera de este dispositivo solo https:// es seguro.',
  };

  @override
  String get pin => 'Clave del servidor (opcional)';

  @override
  String get pinHelp =>
      'SHA-256 de la clave pública del servidor, que le da su administrador. Con ella, la aplicación no habla con ningún otro servidor. Si no la tiene, déjelo vacío.';

  @override
  String get pinProblem => 'Se esperaban 64 dígitos hexadecimales o Base64.';

  @override
  String get save => 'Guardar';

  @override
  String get changeServerQuestion => '¿Cambiar de servidor?';

  @override
  String get changeServerConsequence =>
      'Se cerrará su sesión en el servidor actual.';

  @override
  String get change => 'Cambiar';

  @override
  String get account => 'Cuenta';

  @override
  String get signedInAs => 'Sesión iniciada como';

  @override
  String actionsAreLost(int count) => Intl.plural(
    count,
    locale: 'es',
    one: 'Se perderá 1 acción que espera conexión.',
    other: 'Se perderán $count acciones que esperan conexión.',
  );

  @override
  String get about => 'Acerca de';

  @override
  String get version => 'Versión';
}
