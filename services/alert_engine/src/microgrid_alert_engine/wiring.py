"""Puts the alert engine together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from microgrid_alert_engine.announcer import ANNOUNCER_GROUP
from microgrid_alert_engine.service import ALERT_ENGINE_GROUP, AlertEnginePorts
from microgrid_alert_engine.settings import AlertEngineSettings
from microgrid_common.adapters.mqtt.address import broker_address
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.adapters.redis.rule_store import RedisRuleStore
from microgrid_common.schemas.streams import ALERTS_STREAM, readings_streams


@asynccontextmanager
async def build(settings: AlertEngineSettings) -> AsyncIterator[AlertEnginePorts]:
    """The alert engine's ports; they connect by themselves, and wait for what is not there yet."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        consumer, announcer = [
            await stack.enter_async_context(
                RedisLogConsumer(client, group=group, member=settings.alert_engine_name, streams=streams)
            )
            for group, streams in (
                (ALERT_ENGINE_GROUP, readings_streams(settings.stream_shards)),
                (ANNOUNCER_GROUP, [ALERTS_STREAM]),
            )
        ]
        publisher = AiomqttPublisher(
            # As the ingestor, which needs a broker that speaks MQTT 5.
            broker_address(settings),
            client_id=f"alert-engine-{settings.alert_engine_name}",
            mqtt5=True,
        )
        await stack.enter_async_context(publisher)
        yield AlertEnginePorts(
            consumer=consumer,
            announcer=announcer,
            states=RedisAlarmStates(client),
            records=RedisAlertRecords(client),
            rules=RedisRuleStore(client),
            devices=RedisDeviceRegistry(client),
            publisher=publisher,
            log=RedisDurableLog(client),
        )
