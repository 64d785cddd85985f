"""The ingestor: receiver and historian side by side."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from microgrid_common.ports.durable_log import DurableLog, LogConsumer
from microgrid_common.ports.message_source import MessageSource
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.tasks import run_until_stopped
from microgrid_ingestor.historian import write_history
from microgrid_ingestor.receiver import receive_messages
from microgrid_ingestor.retention import trim_streams


@dataclass(frozen=True, slots=True)
class IngestorPorts:
    """What the ingestor needs from outside."""

    source: MessageSource
    log: DurableLog
    consumer: LogConsumer
    """The historian's place in its consumer group."""
    store: TelemetryStore

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks."""
        return {"mqtt": self.source.ping, "redis": self.log.ping, "telemetry_store": self.store.ping}


async def run(ports: IngestorPorts, *, shards: int, stream_keep: timedelta, stop: asyncio.Event) -> None:
    """Ingest until `stop` is set.

    Args:
        ports: what it needs from outside.
        shards: into how many streams the readings are divided.
        stream_keep: how long an entry stays in the streams at least.
        stop: set it to end.
    """
    await run_until_stopped(
        stop,
        historian=write_history(ports.consumer, ports.store, ports.log),
        receiver=receive_messages(ports.source, ports.log, registry={}, shards=shards),
        retention=trim_streams(ports.log, shards=shards, keep=stream_keep),
    )
