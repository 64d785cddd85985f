import 'dart:convert';

import 'package:flutter/services.dart';

import '../data/model/tokens.dart';
import 'token_store.dart';

/// Keeps tokens where the phone keeps secrets: under a key of Android's Keystore, or in the Keychain of iOS.
class ChannelTokenStore implements TokenStore {
  const ChannelTokenStore();

  /// Its methods: `read(name)` gives a text or null, `write({name, text})`, `delete(name)`.
  static const channel = MethodChannel('microgrid/secure_store');

  static const _name = 'login';

  @override
  Future<Tokens?> read() async {
    try {
      final text = await channel.invokeMethod<String>('read', _name);
      return text == null ? null : Tokens.fromJson(jsonDecode(text));
    } on PlatformException {
      // The key is gone, as after a backup was put onto another phone: one signs in again.
      return null;
    } on FormatException {
      return null;
    }
  }

  @override
  Future<void> write(Tokens tokens) => channel.invokeMethod('write', {
    'name': _name,
    'text': jsonEncode(tokens.toJson()),
  });

  @override
  Future<void> clear() => channel.invokeMethod('delete', _name);
}
