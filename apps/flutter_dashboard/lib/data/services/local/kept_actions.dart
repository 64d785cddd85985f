import 'dart:convert';
import 'dart:io';

import '../../model/action_json.dart';
import '../../model/json_object.dart';

/// What a user did and the server has not answered yet, over restarts of the app.
abstract interface class KeptActions {
  /// What was kept; nothing of nobody when that is missing or spoilt.
  Future<({String? owner, List<KeptAction> actions})> load();

  /// Keep this instead, whole or not at all. It ends when it is safe, or cannot be kept: a full disk must not keep
  /// anybody from sending something.
  Future<void> save(String? owner, List<KeptAction> actions);
}

/// In a file.
class ActionFile implements KeptActions {
  ActionFile(this._file);

  final File _file;
  Future<void> _writing = Future.value();

  static const _version = 1;

  @override
  Future<({String? owner, List<KeptAction> actions})> load() async {
    try {
      final json = JsonObject.of(jsonDecode(await _file.readAsString()));
      if (json.number('version') == _version) {
        return (
          owner: json.textOrNull('owner'),
          actions: [
            for (final kept in json.objects('actions'))
              KeptAction.fromJson(kept.fields),
          ],
        );
      }
    } on FileSystemException {
      // It is not there.
    } on FormatException {
      // A file is written whole, so this one is of another version, or of a broken disk.
    }
    return (owner: null, actions: const <KeptAction>[]);
  }

  @override
  Future<void> save(String? owner, List<KeptAction> actions) {
    final text = jsonEncode({
      'version': _version,
      'owner': owner,
      'actions': [for (final kept in actions) kept.toJson()],
    });
    return _writing = _writing.then((_) => _write(text, actions.isEmpty));
  }

  Future<void> _write(String text, bool isEmpty) async {
    try {
      final draft = File('${_file.path}.new');
      if (isEmpty) {
        // What somebody wrote is not left on a device that they have signed out of.
        for (final file in [_file, draft]) {
          if (file.existsSync()) {
            await file.delete();
          }
        }
        return;
      }
      await _file.parent.create(recursive: true);
      await draft.writeAsString(text, flush: true);
      await draft.rename(_file.path);
    } on FileSystemException {
      // Said in the interface.
    }
  }
}
