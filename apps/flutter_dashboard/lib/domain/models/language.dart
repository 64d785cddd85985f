/// The languages of the app, each with its name in itself.
enum Language {
  english('en', 'English'),
  french('fr', 'Français'),
  spanish('es', 'Español'),
  swahili('sw', 'Kiswahili'),
  hindi('hi', 'हिन्दी');

  const Language(this.code, this.ownName);

  /// ISO 639-1.
  final String code;

  final String ownName;

  /// The language of a code; null for one that the app does not speak.
  static Language? ofCode(String? code) =>
      values.where((language) => language.code == code).firstOrNull;
}
