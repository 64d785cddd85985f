import '../../domain/models/app_settings.dart';
import '../../domain/models/certificate_pin.dart';
import '../../domain/models/language.dart';
import '../../domain/models/server_address.dart';

/// Settings as [settingsToJson] made them; what is missing or not understood is as nobody ever chose it.
AppSettings settingsFromJson(Object? kept, {required Uri otherwise}) {
  final fields = kept is Map<String, Object?>
      ? kept
      : const <String, Object?>{};
  return AppSettings(
    server: _understood(fields['server'], serverAddress) ?? otherwise,
    appearance:
        Appearance.values.asNameMap()[fields['appearance']] ??
        Appearance.system,
    language: switch (fields['language']) {
      final String code => Language.ofCode(code),
      _ => null,
    },
    pin: _understood(fields['pin'], CertificatePin.parse),
  );
}

/// [otherwise] is the server that nobody needs to choose.
Map<String, Object?> settingsToJson(
  AppSettings settings, {
  required Uri otherwise,
}) => {
  'server': settings.server == otherwise ? null : '${settings.server}',
  'appearance': settings.appearance.name,
  'language': settings.language?.code,
  'pin': settings.pin?.toString(),
};

T? _understood<T>(Object? text, T Function(String text) parse) {
  try {
    return text is String ? parse(text) : null;
  } on FormatException {
    return null;
  }
}
