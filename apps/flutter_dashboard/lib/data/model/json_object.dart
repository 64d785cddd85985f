/// A JSON object of which the form is checked while it is read.
///
/// Every getter throws [FormatException] when the field is not of its type.
extension type JsonObject(Map<String, Object?> fields) {
  /// [value] as an object.
  factory JsonObject.of(Object? value) => switch (value) {
    final Map<String, Object?> fields => JsonObject(fields),
    _ => throw FormatException('an object was expected', value),
  };

  String text(String name) => switch (fields[name]) {
    final String text => text,
    final other => throw FormatException('$name: text was expected', other),
  };

  String? textOrNull(String name) => fields[name] == null ? null : text(name);

  double number(String name) => switch (fields[name]) {
    final num number => number.toDouble(),
    final other => throw FormatException('$name: a number was expected', other),
  };

  double? numberOrNull(String name) =>
      fields[name] == null ? null : number(name);

  bool flag(String name) => switch (fields[name]) {
    final bool flag => flag,
    final other => throw FormatException('$name: a bool was expected', other),
  };

  /// A time with its offset, in UTC.
  DateTime time(String name) => DateTime.parse(text(name)).toUtc();

  DateTime? timeOrNull(String name) => fields[name] == null ? null : time(name);

  JsonObject object(String name) => JsonObject.of(fields[name]);

  JsonObject? objectOrNull(String name) =>
      fields[name] == null ? null : object(name);

  List<JsonObject> objects(String name) => switch (fields[name]) {
    final List<Object?> items => items.map(JsonObject.of).toList(),
    final other => throw FormatException('$name: a list was expected', other),
  };
}
