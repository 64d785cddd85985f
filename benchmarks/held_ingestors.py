"""Ingestor replicas that wait for a broker that is held back, so that their work alone is measured."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.queued_messages import open_session
from microgrid_common.adapters.influx.rollup_store import set_up_buckets
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.testing.servers import InfluxBucket, Mosquitto
from microgrid_common.testing.waiting import free_port

SHARDS: Final = 4
IN_FLIGHT: Final = 20_000
"""What the broker sends ahead of acknowledgements: more than the ingestor asks for."""

READINGS_ACCEPTED: Final = "microgrid_readings_accepted_total"
READINGS_STORED: Final = "microgrid_readings_stored_total"

_TOPIC_FILTER = "$share/ingestor/microgrid/#"
_START_SECONDS = 30.0
_SHARED_OUT_SECONDS = 3.0
"""Within two refreshes of their leases, replicas that begin together have divided the streams among them."""


@dataclass(frozen=True, slots=True)
class IngestServers:
    """What an ingestor works with."""

    broker: Mosquitto
    redis_url: str
    bucket: InfluxBucket

    @property
    def settings(self) -> dict[str, str]:
        """As `MICROGRID_…` variables."""
        return {
            "MICROGRID_MQTT_URL": self.broker.url,
            "MICROGRID_REDIS_URL": self.redis_url,
            "MICROGRID_STREAM_SHARDS": str(SHARDS),
            "MICROGRID_TELEMETRY_STORE": "influx",
            "MICROGRID_INFLUX_URL": self.bucket.url,
            "MICROGRID_INFLUX_TOKEN": self.bucket.token,
            "MICROGRID_INFLUX_ORG": self.bucket.org,
            "MICROGRID_INFLUX_BUCKET": self.bucket.bucket,
        }

    async def set_up(self) -> None:
        """Make the buckets of the roll-ups, as an operator does before the first start."""
        bucket = self.bucket
        async with InfluxServer(url=bucket.url, token=bucket.token, org=bucket.org) as server:
            await set_up_buckets(server, bucket.bucket)


@dataclass(frozen=True, slots=True)
class Ingestor:
    """A running ingestor."""

    process: MeasuredProcess
    health_url: str

    async def counter(self, http: aiohttp.ClientSession, name: str) -> float:
        """The value of one of its Prometheus counters; asking costs it some milliseconds."""
        async with http.get(f"{self.health_url}/metrics") as response:
            for family in text_string_to_metric_families(await response.text()):
                for sample in family.samples:
                    if sample.name == name:
                        return sample.value
        return 0


async def open_sessions(broker: Mosquitto, names: Sequence[str]) -> None:
    """Make the session of each replica; Mosquitto splits among them what is published afterwards."""
    address = BrokerAddress(broker.host, broker.port)
    for name in names:
        await open_session(address, client_id=f"ingestor-{name}", topic_filter=_TOPIC_FILTER)


@asynccontextmanager
async def held_ingestors(
    servers: IngestServers, names: Sequence[str], folder: Path, *, settings: Mapping[str, str] | None = None
) -> AsyncIterator[list[Ingestor]]:
    """Hold the broker back, and start replicas up to where they wait for its answer.

    The work begins with `servers.broker.resume()`.

    Args:
        servers: what they work with.
        names: of the replicas; their sessions exist already.
        folder: for their logs.
        settings: more `MICROGRID_…` variables.
    """
    servers.broker.pause()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        stack.callback(servers.broker.resume)
        ingestors: list[Ingestor] = []
        for name in names:
            port = free_port()
            environment = {
                **servers.settings,
                **(settings or {}),
                "MICROGRID_INGESTOR_NAME": name,
                "MICROGRID_HEALTH_PORT": str(port),
            }
            process = measured_process(
                [sys.executable, "-m", "microgrid_ingestor"],
                environment=environment,
                log=folder / f"ingestor-{name}.log",
            )
            ingestors.append(Ingestor(stack.enter_context(process), f"http://127.0.0.1:{port}"))
        async with asyncio.timeout(_START_SECONDS):
            for ingestor in ingestors:
                await _until_up(ingestor, http)
        if len(ingestors) > 1:
            await asyncio.sleep(_SHARED_OUT_SECONDS)
        yield ingestors


async def _until_up(ingestor: Ingestor, http: aiohttp.ClientSession) -> None:
    """By the time that it answers here, it has begun to connect to the broker."""
    while True:
        ingestor.process.check_running()
        try:
            async with http.get(f"{ingestor.health_url}/healthz"):
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.02)
