import 'dart:convert';
import 'dart:io';

import '../data/model/tokens.dart';
import 'token_store.dart';

/// Keeps tokens in a file that nobody but the user can read: for Linux.
class FileTokenStore implements TokenStore {
  const FileTokenStore(this._file);

  final File _file;

  @override
  Future<Tokens?> read() async {
    try {
      return Tokens.fromJson(jsonDecode(await _file.readAsString()));
    } on FileSystemException {
      return null;
    } on FormatException {
      return null;
    }
  }

  @override
  Future<void> write(Tokens tokens) async {
    await _file.parent.create(recursive: true);
    await _restrict(_file.parent, '700');
    // Restricted while it is still empty, and in its place only when it is whole.
    final draft = File('${_file.path}.new');
    await draft.writeAsString('');
    await _restrict(draft, '600');
    await draft.writeAsString(jsonEncode(tokens.toJson()), flush: true);
    await draft.rename(_file.path);
  }

  @override
  Future<void> clear() async {
    try {
      await _file.delete();
    } on PathNotFoundException {
      // It is gone already.
    }
  }
}

Future<void> _restrict(FileSystemEntity entity, String mode) async {
  final result = await Process.run('chmod', [mode, entity.path]);
  if (result.exitCode != 0) {
    throw FileSystemException('chmod $mode failed', entity.path);
  }
}
