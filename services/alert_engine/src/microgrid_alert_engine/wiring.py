"""Puts the alert engine together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from microgrid_alert_engine.service import ALERT_ENGINE_GROUP, AlertEnginePorts
from microgrid_alert_engine.settings import AlertEngineSettings
from microgrid_common.adapters.redis.alert_store import RedisAlertStore
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.adapters.redis.evaluation_progress import RedisEvaluationProgress
from microgrid_common.adapters.redis.log_consumer import RedisLogConsumer
from microgrid_common.schemas.streams import readings_streams


@asynccontextmanager
async def build(settings: AlertEngineSettings) -> AsyncIterator[AlertEnginePorts]:
    """The alert engine's ports; they connect by themselves, and wait for what is not there yet."""
    async with AsyncExitStack() as stack:
        client = make_client(settings.redis_url)
        stack.push_async_callback(client.aclose)
        consumer = await stack.enter_async_context(
            RedisLogConsumer(
                client,
                group=ALERT_ENGINE_GROUP,
                member=settings.alert_engine_name,
                streams=readings_streams(settings.stream_shards),
            )
        )
        yield AlertEnginePorts(
            consumer=consumer,
            alerts=RedisAlertStore(client),
            progress=RedisEvaluationProgress(client),
            log=RedisDurableLog(client),
        )
