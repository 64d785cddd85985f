"""Puts the ingestor together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from microgrid_common.adapters.mqtt.address import broker_address
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.command_store import RedisCommandStore
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.grid_store import RedisGridStore
from microgrid_common.adapters.redis.ledger_store import RedisLedgerStore
from microgrid_common.adapters.redis.link_store import RedisLinkStore
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.adapters.redis.quarantine import RedisQuarantine
from microgrid_common.adapters.redis.rollup_queue import RedisRollupQueue
from microgrid_common.adapters.telemetry_stores import open_rollup_store, open_telemetry_store
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.runtime.backoff import Backoff
from microgrid_common.runtime.quarantine_replay import Replayer
from microgrid_common.schemas.streams import readings_streams
from microgrid_common.schemas.topics import EVERY_STATUS_TOPIC_FILTER, EVERYTHING_TOPIC_FILTER
from microgrid_ingestor.historian import HISTORIAN_GROUP
from microgrid_ingestor.ledger import LEDGER_GROUP
from microgrid_ingestor.log_capacity import LogCapacity
from microgrid_ingestor.quarantine_desk import QuarantineDesk
from microgrid_ingestor.service import IngestorPorts
from microgrid_ingestor.settings import IngestorSettings

_LONGEST_WITHOUT_SUBSCRIPTION = timedelta(seconds=1)
"""Mosquitto forgets shared subscriptions when it restarts. What it takes before we have subscribed again it
acknowledges and drops, so we have to be there before the devices are."""


@asynccontextmanager
async def build(settings: IngestorSettings) -> AsyncIterator[IngestorPorts]:
    """The ingestor's ports; they connect by themselves, and wait for what is not there yet."""
    options = ReceiverOptions(
        client_id=f"ingestor-{settings.ingestor_name}",
        topic_filters=[topic_filter(settings)],
        retained_filters=[EVERY_STATUS_TOPIC_FILTER] if settings.mqtt_shared_group else [],
        receive_maximum=settings.mqtt_receive_maximum,
    )
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        store = await stack.enter_async_context(open_telemetry_store(settings))
        rollups = await stack.enter_async_context(open_rollup_store(settings))
        consumer, ledger_consumer = [
            await stack.enter_async_context(
                RedisLogConsumer(
                    client,
                    group=group,
                    member=settings.ingestor_name,
                    streams=readings_streams(settings.stream_shards),
                )
            )
            for group in (HISTORIAN_GROUP, LEDGER_GROUP)
        ]
        publisher = AiomqttPublisher(
            # The receiver needs a broker that speaks MQTT 5, so it may speak that alone.
            broker_address(settings),
            client_id=f"ingestor-{settings.ingestor_name}-publisher",
            mqtt5=True,
        )
        await stack.enter_async_context(publisher)
        reconnecting = Backoff(longest=_LONGEST_WITHOUT_SUBSCRIPTION)
        source = await stack.enter_async_context(
            MqttReceiver(broker_address(settings), options, backoff=reconnecting)
        )
        durable_log = RedisDurableLog(client)
        yield IngestorPorts(
            source=source,
            log=durable_log,
            log_capacity=LogCapacity(durable_log),
            consumer=consumer,
            store=store,
            quarantine=RedisQuarantine(client),
            rollup_queue=RedisRollupQueue(client),
            rollups=rollups,
            grids=RedisGridStore(client, time_zone=settings.time_zone),
            ledger_consumer=ledger_consumer,
            ledgers=RedisLedgerStore(client),
            publisher=publisher,
            alarms=PlatformAlarms(RedisAlarmStates(client)),
            devices=RedisDeviceRegistry(client),
            links=RedisLinkStore(client),
            commands=RedisCommandStore(client),
        )


@asynccontextmanager
async def open_device_registry(settings: IngestorSettings) -> AsyncIterator[DeviceRegistry]:
    """What the commands for devices work with."""
    client = make_client(settings.redis_url)
    try:
        yield RedisDeviceRegistry(client)
    finally:
        await client.aclose()


@asynccontextmanager
async def open_quarantine_desk(settings: IngestorSettings) -> AsyncIterator[QuarantineDesk]:
    """What the commands for quarantine work with."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        quarantine = RedisQuarantine(client)
        replayer = Replayer(quarantine, devices=RedisDeviceRegistry(client), shards=settings.stream_shards)
        yield QuarantineDesk(quarantine, replayer)


def topic_filter(settings: IngestorSettings) -> str:
    """What to subscribe to: shared among the replicas of a group, or all of it."""
    if settings.mqtt_shared_group:
        return f"$share/{settings.mqtt_shared_group}/{EVERYTHING_TOPIC_FILTER}"
    return EVERYTHING_TOPIC_FILTER
