import 'dart:convert';
import 'dart:io';

/// Answers of the server as they last came, over restarts of the app.
///
/// They lie in one file. It is written at most every [writeEvery] for each name, and by [flush]: flash memory wears out.
class LastKnown {
  LastKnown(
    this._file, {
    DateTime Function() now = DateTime.now,
    this.writeEvery = const Duration(seconds: 30),
  }) : _now = now;

  final File _file;
  final DateTime Function() _now;
  final Duration writeEvery;

  Map<String, Object?> _answers = {};
  Map<String, DateTime> _writtenAt = {};
  bool _isWritten = true;
  Future<void> _writing = Future.value();

  static const _version = 1;

  /// Read the file; one that is missing or spoilt is as good as empty.
  Future<void> load() async {
    try {
      if (jsonDecode(await _file.readAsString()) case {
        'version': _version,
        'answers': final Map<String, Object?> answers,
      }) {
        _answers = answers;
      }
    } on FileSystemException {
      _answers = {};
    } on FormatException {
      _answers = {};
    }
  }

  /// What was kept under a name, and when it had come.
  ({Object? answer, DateTime receivedAt})? get(String name) {
    if (_answers[name] case {
      'received_at': final String receivedAt,
      'answer': final Object? answer,
    }) {
      final time = DateTime.tryParse(receivedAt);
      return time == null ? null : (answer: answer, receivedAt: time);
    }
    return null;
  }

  /// Keep an answer that came at [receivedAt].
  Future<void> put(String name, Object? answer, DateTime receivedAt) async {
    _answers[name] = {
      'received_at': receivedAt.toUtc().toIso8601String(),
      'answer': answer,
    };
    _isWritten = false;
    final writtenAt = _writtenAt[name];
    if (writtenAt == null || _now().difference(writtenAt) >= writeEvery) {
      await flush();
    }
  }

  /// Write what has changed.
  Future<void> flush() {
    if (_isWritten) {
      return _writing;
    }
    _isWritten = true;
    final now = _now();
    _writtenAt = {for (final name in _answers.keys) name: now};
    final text = jsonEncode({'version': _version, 'answers': _answers});
    return _writing = _writing.then((_) => _write(text));
  }

  /// Forget everything.
  Future<void> clear() {
    _answers = {};
    _isWritten = false;
    return flush();
  }

  Future<void> _write(String text) async {
    try {
      await _file.parent.create(recursive: true);
      final draft = File('${_file.path}.new');
      await draft.writeAsString(text, flush: true);
      await draft.rename(_file.path);
    } on FileSystemException {
      // A full disk must not keep anybody from seeing what is live.
      _isWritten = false;
    }
  }
}
