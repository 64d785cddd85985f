import 'auth_words.dart';

class SpanishAuthWords implements AuthWords {
  const SpanishAuthWords();

  @override
  String get username => 'Nombre de usuario';

  @override
  String get enterUsername => 'Escriba su nombre de usuario.';

  @override
  String get password => 'Contraseña';

  @override
  String get enterPassword => 'Escriba su contraseña.';

  @override
  String get showPassword => 'Mostrar la contraseña';

  @override
  String get hidePassword => 'Ocultar la contraseña';

  @override
  String get login => 'Entrar';

  @override
  String get signingIn => 'Entrando';

  @override
  String get signOut => 'Cerrar sesión';

  @override
  String get signOutQuestion => '¿Cerrar la sesión?';

  @override
  String get signOutConsequence =>
      'Los últimos datos conocidos de sus redes se borrarán de este dispositivo.';

  @override
  String get stay => 'Quedarse';
}
