import 'dart:async';

import 'package:flutter/services.dart';

/// This installation of the app, as the push service knows it.
typedef PushAddress = ({String token, PushPlatform platform});

/// Whose push service it is.
enum PushPlatform { android, ios }

/// Messages that reach the phone while the app is not open.
abstract interface class PushMessages {
  /// Ask the user, if the phone wants that, and where to reach this installation.
  ///
  /// Null where the user does not want any, or this build or phone has no push service.
  Future<PushAddress?> register();

  /// Addresses that take the place of the one before.
  Stream<PushAddress> get renewed;

  /// The alerts of messages that were tapped, the one that opened the app included.
  Stream<List<String>> get tapped;

  /// Be reached no more, also without the server.
  Future<void> forget();
}

/// Where there is no push service, as on a desktop.
class NoPushMessages implements PushMessages {
  const NoPushMessages();

  @override
  Future<PushAddress?> register() async => null;

  @override
  Stream<PushAddress> get renewed => const Stream.empty();

  @override
  Stream<List<String>> get tapped => const Stream.empty();

  @override
  Future<void> forget() async {}
}

/// Over the platform's own code: Firebase Cloud Messaging on Android, APNs on iOS.
class ChannelPushMessages implements PushMessages {
  ChannelPushMessages(this._platform) {
    channel.setMethodCallHandler(_called);
  }

  /// Its methods: `register` gives a token or null, `openedBy` the alerts of the message that opened the app or null,
  /// `forget`. It calls `renewed(token)` and `tapped(alert_ids)`; several identifiers are separated by commas.
  static const channel = MethodChannel('microgrid/push');

  final PushPlatform _platform;
  final _renewed = StreamController<PushAddress>.broadcast();
  late final _tapped = StreamController<List<String>>.broadcast(
    onListen: () => unawaited(_takeOpening()),
  );

  @override
  Stream<PushAddress> get renewed => _renewed.stream;

  @override
  Stream<List<String>> get tapped => _tapped.stream;

  @override
  Future<PushAddress?> register() async {
    try {
      return _address(await channel.invokeMethod<String>('register'));
    } on PlatformException {
      return null;
    }
  }

  @override
  Future<void> forget() async {
    try {
      await channel.invokeMethod<void>('forget');
    } on PlatformException {
      // The push service is away: the server forgets the address with the login.
    }
  }

  Future<void> _takeOpening() async {
    try {
      _take(await channel.invokeMethod<String>('openedBy'));
    } on PlatformException {
      // Then the app opens as ever.
    }
  }

  Future<void> _called(MethodCall call) async {
    switch ((call.method, call.arguments)) {
      case ('renewed', final String token):
        _renewed.add((token: token, platform: _platform));
      case ('tapped', final String ids):
        _take(ids);
    }
  }

  void _take(String? ids) {
    final alertIds = [
      for (final id in (ids ?? '').split(','))
        if (id.isNotEmpty) id,
    ];
    if (alertIds.isNotEmpty) {
      _tapped.add(alertIds);
    }
  }

  PushAddress? _address(String? token) =>
      token == null ? null : (token: token, platform: _platform);
}
