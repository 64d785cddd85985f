"""Backlogs: queued messages of many samples, as devices send after an outage → durable streams."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from redis.asyncio import Redis

from benchmarks.held_ingestors import (
    IN_FLIGHT,
    READINGS_ACCEPTED,
    SHARDS,
    IngestServers,
    held_ingestors,
    open_sessions,
)
from benchmarks.queued_messages import METRICS, publish_backlogs
from benchmarks.report import bar, memory_bar
from benchmarks.stream_progress import Drained, Moment, drained
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.testing.servers import influxdb, mosquitto, redis_server

MESSAGES = 2_000
SAMPLES_PER_MESSAGE = 100
SAMPLES = MESSAGES * SAMPLES_PER_MESSAGE

_BAR_SAMPLES_PER_SECOND = 100_000
_TIME_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BacklogResult:
    """What a backlog took and cost."""

    drained: Drained
    peak_memory_megabytes: float


def report() -> Iterator[str]:
    """Run it, and say what came of it line by line."""
    yield f"Backlog: {MESSAGES} queued messages of {SAMPLES_PER_MESSAGE} samples of {METRICS} metrics"
    result = run()
    durable, stored, done = result.drained.durable, result.drained.stored, result.drained.done
    yield f"{'until':38}{'samples/s':>12}{'CPU µs/sample':>16}"
    yield _line("durable in the streams", durable)
    yield _line("stored in InfluxDB", stored)
    yield _line("every consumer was done", done)
    yield f"{'peak memory, MB':38}{result.peak_memory_megabytes:12.0f}"
    rate = SAMPLES / durable.seconds
    yield bar(
        f"at least {_BAR_SAMPLES_PER_SECOND:,} samples/s durable", reached=rate >= _BAR_SAMPLES_PER_SECOND
    )
    yield memory_bar(result.peak_memory_megabytes)


def _line(name: str, moment: Moment) -> str:
    return f"{name:38}{SAMPLES / moment.seconds:12,.0f}{moment.cpu_seconds / SAMPLES * 1e6:16.1f}"


def run() -> BacklogResult:
    """Queue the messages, and let one ingestor take them, its historian and ledger at work beside it."""
    with (
        mosquitto(backend="process", max_inflight_messages=IN_FLIGHT) as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        TemporaryDirectory() as folder,
    ):
        servers = IngestServers(broker, redis.url, influx.create_bucket("backlog"))
        return asyncio.run(_run(servers, Path(folder)))


async def _run(servers: IngestServers, folder: Path) -> BacklogResult:
    await servers.set_up()
    await open_sessions(servers.broker, ["backlog"])
    address = BrokerAddress(servers.broker.host, servers.broker.port)
    await asyncio.to_thread(publish_backlogs, address, MESSAGES, samples=SAMPLES_PER_MESSAGE)
    async with (
        aiohttp.ClientSession() as http,
        Redis.from_url(servers.redis_url) as redis,
        held_ingestors(servers, ["backlog"], folder) as (ingestor,),
        asyncio.timeout(_TIME_LIMIT_SECONDS),
    ):

        async def is_complete() -> bool:
            ingestor.process.check_running()
            return await ingestor.counter(http, READINGS_ACCEPTED) >= SAMPLES

        servers.broker.resume()
        done = await drained(redis, SHARDS, cpu_seconds=ingestor.process.cpu_seconds, is_complete=is_complete)
        return BacklogResult(done, ingestor.process.peak_memory_megabytes())
