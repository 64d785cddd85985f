import 'certificate_pin.dart';
import 'language.dart';

/// Light or dark.
enum Appearance { system, light, dark }

/// What the user has chosen about the app itself.
class AppSettings {
  const AppSettings({
    required this.server,
    this.appearance = Appearance.system,
    this.language,
    this.pin,
  });

  /// As `serverAddress` makes it.
  final Uri server;

  final Appearance appearance;

  /// Null: the phone's.
  final Language? language;

  /// The key that the server has to have; null: any that an authority has signed.
  final CertificatePin? pin;

  /// Whether the two reach a server in the same way.
  bool connectsLike(AppSettings other) =>
      server == other.server && pin == other.pin;

  AppSettings withAppearance(Appearance appearance) => AppSettings(
    server: server,
    appearance: appearance,
    language: language,
    pin: pin,
  );

  AppSettings withLanguage(Language? language) => AppSettings(
    server: server,
    appearance: appearance,
    language: language,
    pin: pin,
  );

  /// The two belong together: another server has another key.
  AppSettings withServer(Uri server, CertificatePin? pin) => AppSettings(
    server: server,
    appearance: appearance,
    language: language,
    pin: pin,
  );
}
