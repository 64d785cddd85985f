import 'dart:convert';
import 'dart:io';

/// One JSON value in a file, which is there whole or not at all.
class JsonFile {
  JsonFile(this._file);

  final File _file;
  Future<void> _writing = Future.value();

  /// What was written last; null when the file is missing or spoilt.
  Future<Object?> read() async {
    try {
      return jsonDecode(await _file.readAsString());
    } on FileSystemException {
      return null;
    } on FormatException {
      return null;
    }
  }

  /// Write [value] in place of what is there. On a full disk that stays.
  Future<void> write(Object? value) {
    final text = jsonEncode(value);
    return _writing = _writing.then((_) => _write(text));
  }

  Future<void> _write(String text) async {
    try {
      await _file.parent.create(recursive: true);
      final draft = File('${_file.path}.new');
      await draft.writeAsString(text, flush: true);
      await draft.rename(_file.path);
    } on FileSystemException {
      // It still holds until the app is ended.
    }
  }
}
