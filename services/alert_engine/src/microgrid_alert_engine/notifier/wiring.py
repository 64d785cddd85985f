"""Puts the notifier together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from microgrid_alert_engine.notifier.service import NOTIFIER_GROUP, NotifierPorts
from microgrid_alert_engine.notifier.settings import NotifierSettings
from microgrid_common.adapters.apprise.channel import AppriseNotificationChannel
from microgrid_common.adapters.push.fcm import FcmNotificationChannel, read_service_account
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.delivery_log import RedisDeliveryLog
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.adapters.redis.notification_settings import RedisNotificationSettings
from microgrid_common.adapters.redis.push_tokens import RedisPushTokens
from microgrid_common.adapters.webhook.channel import WebhookNotificationChannel
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.notification_channel import ChannelOpener, NotificationChannel
from microgrid_common.ports.push_tokens import PushTokens
from microgrid_common.schemas.notification import AppriseChannel, Channel, PushChannel, WebhookChannel
from microgrid_common.schemas.streams import ALERTS_STREAM


@asynccontextmanager
async def build(settings: NotifierSettings) -> AsyncIterator[NotifierPorts]:
    """The notifier's ports; they connect by themselves, and wait for what is not there yet."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        consumer = await stack.enter_async_context(
            RedisLogConsumer(
                client, group=NOTIFIER_GROUP, member=settings.notifier_name, streams=[ALERTS_STREAM]
            )
        )
        yield NotifierPorts(
            consumer=consumer,
            records=RedisAlertRecords(client),
            settings=RedisNotificationSettings(client),
            deliveries=RedisDeliveryLog(client),
            open_channel=_opener(settings, RedisPushTokens(client)),
        )


def _opener(settings: NotifierSettings, tokens: PushTokens) -> ChannelOpener:
    def open_channel(channel: Channel) -> NotificationChannel:
        match channel:
            case AppriseChannel():
                return AppriseNotificationChannel(channel.url.get_secret_value())
            case WebhookChannel():
                return WebhookNotificationChannel(channel.url.get_secret_value())
            case PushChannel():
                return _push(settings, tokens)

    return open_channel


def _push(settings: NotifierSettings, tokens: PushTokens) -> NotificationChannel:
    if settings.sns_applications:
        # An edge box does without what this one needs.
        from microgrid_common.adapters.aws.sns import SnsNotificationChannel  # noqa: PLC0415

        return SnsNotificationChannel(settings.sns_applications, tokens)
    if settings.fcm_service_account_file is None:
        raise PermanentError("MICROGRID_FCM_SERVICE_ACCOUNT_FILE is not set")
    return FcmNotificationChannel(read_service_account(settings.fcm_service_account_file), tokens)
