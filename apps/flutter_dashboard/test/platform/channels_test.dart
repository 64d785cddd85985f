import 'package:flutter/services.dart';
import 'package:flutter_dashboard/data/model/tokens.dart';
import 'package:flutter_dashboard/platform/channel_token_store.dart';
import 'package:flutter_dashboard/platform/push_messages.dart';
import 'package:flutter_test/flutter_test.dart';

/// What the Kotlin and Swift sides are called with, and what they may answer.
void main() {
  final messenger =
      TestDefaultBinaryMessengerBinding.instance.defaultBinaryMessenger;

  void answered(
    MethodChannel channel,
    Object? Function(MethodCall call)? answer,
  ) {
    messenger.setMockMethodCallHandler(
      channel,
      answer == null ? null : (call) async => answer(call),
    );
    if (answer != null) {
      addTearDown(() => answered(channel, null));
    }
  }

  Object? broken(MethodCall call) => throw PlatformException(code: 'broken');

  group('tokens in the secure store', () {
    const store = ChannelTokenStore();
    final kept = <String, String>{};
    const tokens = Tokens(
      accessToken: 'one',
      refreshToken: 'two',
      expiresAt: null,
    );

    setUp(() {
      kept.clear();
      answered(ChannelTokenStore.channel, (call) {
        switch ((call.method, call.arguments)) {
          case ('read', final String name):
            return kept[name];
          case (
            'write',
            {'name': final String name, 'text': final String text},
          ):
            kept[name] = text;
          case ('delete', final String name):
            kept.remove(name);
          case _:
            throw MissingPluginException();
        }
        return null;
      });
    });

    test('stay until they are cleared', () async {
      expect(await store.read(), isNull);
      await store.write(tokens);
      expect((await store.read())?.refreshToken, 'two');
      await store.clear();
      expect(await store.read(), isNull);
    });

    test('that cannot be read any more are as good as none', () async {
      await store.write(tokens);
      kept.updateAll((name, text) => 'spoilt');
      expect(await store.read(), isNull);

      answered(ChannelTokenStore.channel, broken);
      expect(await store.read(), isNull);
    });
  });

  group('push messages', () {
    PushMessages messages() => ChannelPushMessages(PushPlatform.android);

    Future<void> told(String method, Object? argument) async {
      const codec = StandardMethodCodec();
      await messenger.handlePlatformMessage(
        ChannelPushMessages.channel.name,
        codec.encodeMethodCall(MethodCall(method, argument)),
        (_) {},
      );
    }

    test('have an address where the user wants them', () async {
      answered(ChannelPushMessages.channel, (call) => 'an-address');
      expect(await messages().register(), (
        token: 'an-address',
        platform: PushPlatform.android,
      ));
    });

    test('have none where the user or the phone does not', () async {
      answered(ChannelPushMessages.channel, (call) => null);
      expect(await messages().register(), isNull);

      answered(ChannelPushMessages.channel, broken);
      expect(await messages().register(), isNull);
      await messages().forget();
    });

    test('tell of a new address', () async {
      final renewed = messages().renewed.first;
      await told('renewed', 'another');
      expect((await renewed).token, 'another');
    });

    test('name the alerts of one that was tapped', () async {
      answered(ChannelPushMessages.channel, (call) => null);
      final tapped = messages().tapped.first;
      await told('tapped', 'alert-a-1,alert-a-2');
      expect(await tapped, ['alert-a-1', 'alert-a-2']);
    });

    test('name those of the one that opened the app', () async {
      answered(
        ChannelPushMessages.channel,
        (call) => call.method == 'openedBy' ? 'alert-a-7' : null,
      );
      expect(await messages().tapped.first, ['alert-a-7']);
    });
  });
}
