"""The ingest path with two ingestor replicas on one shared subscription, against one."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from redis.asyncio import Redis

from benchmarks.held_ingestors import (
    IN_FLIGHT,
    READINGS_ACCEPTED,
    SHARDS,
    Ingestor,
    IngestServers,
    held_ingestors,
    open_sessions,
)
from benchmarks.queued_messages import METRICS, publish
from benchmarks.stream_progress import Drained, Moment, drained
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.testing.servers import influxdb, mosquitto, redis_server

MESSAGES = 50_000
"""Below what Mosquitto can queue for one session."""

_ROUNDS = 3
"""The best one counts: whatever else the machine does can only make it slower."""

_TIME_LIMIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ReplicasResult:
    """What a number of replicas made of the messages."""

    drained: Drained
    shares: list[float]
    """What part of the messages each replica took, from 0 to 1."""

    @property
    def messages_per_second(self) -> float:
        """To the telemetry store."""
        return MESSAGES / self.drained.stored.seconds


def report() -> Iterator[str]:
    """Run one and two replicas, and say what came of it line by line."""
    yield (
        f"Replicas: {MESSAGES} queued QoS 1 messages of {METRICS} metrics, split by a shared subscription; "
        f"best of {_ROUNDS}"
    )
    yield f"{'':38}{'messages/s':>12}{'CPU µs/message':>16}{'shares':>14}"
    rounds = [(run(1), run(2)) for _ in range(_ROUNDS)]
    one, two = (max(results, key=attrgetter("messages_per_second")) for results in zip(*rounds, strict=True))
    yield from (_line(replicas, result) for replicas, result in ((1, one), (2, two)))
    stored = two.messages_per_second / one.messages_per_second
    durable = one.drained.durable.seconds / two.drained.durable.seconds
    yield f"{'scaling factor: stored in InfluxDB':38}{stored:12.2f}"
    yield f"{'scaling factor: durable in the streams':38}{durable:12.2f}"
    yield f"Mosquitto, Redis and InfluxDB run on the same {os.cpu_count()} cores as the replicas."


def _line(replicas: int, result: ReplicasResult) -> str:
    stored: Moment = result.drained.stored
    shares = " ".join(f"{share:.0%}" for share in result.shares)
    return (
        f"{f'ingestors: {replicas}':38}{result.messages_per_second:12,.0f}"
        f"{stored.cpu_seconds / MESSAGES * 1e6:16.1f}{shares:>14}"
    )


def run(replicas: int) -> ReplicasResult:
    """Queue messages for so many replicas, and let them take them, from the broker to InfluxDB."""
    with (
        mosquitto(backend="process", max_inflight_messages=IN_FLIGHT) as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        TemporaryDirectory() as folder,
    ):
        servers = IngestServers(broker, redis.url, influx.create_bucket("replicas"))
        names = [f"replica-{number}" for number in range(1, replicas + 1)]
        return asyncio.run(_run(servers, names, Path(folder)))


async def _run(servers: IngestServers, names: list[str], folder: Path) -> ReplicasResult:
    await servers.set_up()
    await open_sessions(servers.broker, names)
    address = BrokerAddress(servers.broker.host, servers.broker.port)
    await asyncio.to_thread(publish, address, MESSAGES)
    async with (
        aiohttp.ClientSession() as http,
        Redis.from_url(servers.redis_url) as redis,
        held_ingestors(servers, names, folder) as ingestors,
        asyncio.timeout(_TIME_LIMIT_SECONDS),
    ):

        async def is_complete() -> bool:
            return sum(await _accepted(ingestors, http)) >= MESSAGES

        servers.broker.resume()
        done = await drained(
            redis,
            SHARDS,
            cpu_seconds=lambda: sum(ingestor.process.cpu_seconds() for ingestor in ingestors),
            is_complete=is_complete,
        )
        return ReplicasResult(done, [count / MESSAGES for count in await _accepted(ingestors, http)])


async def _accepted(ingestors: list[Ingestor], http: aiohttp.ClientSession) -> list[float]:
    for ingestor in ingestors:
        ingestor.process.check_running()
    return [await ingestor.counter(http, READINGS_ACCEPTED) for ingestor in ingestors]
