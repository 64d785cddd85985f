import 'dart:io';

import 'package:flutter/services.dart';

import '../domain/models/share_outcome.dart';

/// Hands files to whatever the user wants to have them in.
abstract interface class ShareSheet {
  /// [name] is without a folder.
  Future<ShareOutcome> share(String name, String mimeType, Uint8List bytes);
}

/// Over the phone's share sheet.
class ChannelShareSheet implements ShareSheet {
  const ChannelShareSheet();

  /// Its method: `share({name, mime_type, bytes})`.
  static const channel = MethodChannel('microgrid/share');

  @override
  Future<ShareOutcome> share(
    String name,
    String mimeType,
    Uint8List bytes,
  ) async {
    try {
      await channel.invokeMethod<void>('share', {
        'name': name,
        'mime_type': mimeType,
        'bytes': bytes,
      });
      return const HandedOver();
    } on PlatformException {
      return const NotShared();
    }
  }
}

/// On a desktop: puts files into a folder.
class FolderShareSheet implements ShareSheet {
  const FolderShareSheet(this._folder);

  final Directory _folder;

  @override
  Future<ShareOutcome> share(
    String name,
    String mimeType,
    Uint8List bytes,
  ) async {
    try {
      await _folder.create(recursive: true);
      final file = await _newFile(name);
      await file.writeAsBytes(bytes, flush: true);
      return SavedAs(file.path);
    } on FileSystemException {
      return const NotShared();
    }
  }

  /// Named [name], or with a number where there is one already: no file is lost.
  Future<File> _newFile(String name) async {
    final dot = name.lastIndexOf('.');
    final (stem, ending) = dot < 0
        ? (name, '')
        : (name.substring(0, dot), name.substring(dot));
    for (var number = 1; ; number++) {
      final free = number == 1 ? name : '$stem ($number)$ending';
      final file = File('${_folder.path}/$free');
      if (!file.existsSync()) {
        return file.create(exclusive: true);
      }
    }
  }
}

/// The folder in which a Linux desktop keeps what was downloaded.
///
/// Desktops say it in `user-dirs.dirs`, of which [userDirs] is the text; null where there is none.
Directory downloadFolder(String home, {required String? userDirs}) {
  final named = RegExp(
    r'^XDG_DOWNLOAD_DIR="(\$HOME/)?([^"]+)"',
    multiLine: true,
  ).firstMatch(userDirs ?? '');
  return switch ((named?[1], named?[2])) {
    (null, final String path) when path.startsWith('/') => Directory(path),
    (String(), final String path) => Directory('$home/$path'),
    _ => Directory('$home/Downloads'),
  };
}
