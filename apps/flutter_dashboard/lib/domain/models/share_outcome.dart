import 'dart:typed_data';

/// What became of a file that was to be shared.
sealed class ShareOutcome {
  const ShareOutcome();
}

/// It was handed to another app, or the user was asked to which.
final class HandedOver extends ShareOutcome {
  const HandedOver();
}

/// It lies where the user keeps files.
final class SavedAs extends ShareOutcome {
  const SavedAs(this.path);

  final String path;
}

/// There was no room for it, or no right to write it.
final class NotShared extends ShareOutcome {
  const NotShared();
}

/// Share a file that has [bytes] in it; [name] is without a folder.
typedef Share = Future<ShareOutcome> Function(
  String name,
  String mimeType,
  Uint8List bytes,
);
