"""`make soak`: half of what one ingestor can take, for minutes on end: is its memory flat and small?"""

import argparse
import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import NamedTuple

import aiohttp
from redis.asyncio import Redis

from benchmarks import replicas
from benchmarks.held_ingestors import (
    IN_FLIGHT,
    READINGS_STORED,
    Ingestor,
    IngestServers,
    held_ingestors,
    open_sessions,
)
from benchmarks.paced_publisher import PacedPublisher, Published, paced_publisher
from benchmarks.queued_messages import GRIDS, publish
from benchmarks.report import bar, copied_into, machine, memory_bar
from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.runtime.logging import configure_logging
from microgrid_common.testing.servers import influxdb, mosquitto, redis_server
from microgrid_common.transforms.rollups.buckets import BUCKET_MS

_COMMAND = "make soak"
_MINUTES = 10.0
_OF_MAXIMUM = 0.25
"""From a full queue the ingestor takes large batches and makes hardly any roll-ups. Live, a message costs it
twice the CPU time, so that this is half of what it can take: half of one core, see "busy"."""
_NAME = "soak"

_FLAT_MEGABYTES_PER_MINUTE = 0.1
"""Less is what an allocator does by itself; at this pace 150 MB would be reached after half a day."""

_ROUNDS = 3
"""The best one is the measure: whatever else the machine does can only make it slower."""

_QUEUED = 50_000
"""So many messages wait when it begins, as after an outage: it has had its largest batches in the warm-up."""

_ROLLED_UP_SECONDS = 15.0
"""So long after the end of five minutes, the roll-ups of all devices are made."""

_KEEP_MINUTES = 1
"""How long entries stay in the streams: with the default of an hour, Redis would need gigabytes."""

_DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"
_CATCH_UP_SECONDS = 60.0
_EVERY_SECONDS = 1.0
_MINUTE = 60.0
_MEGABYTE = 1024 * 1024


class Memory(NamedTuple):
    """The resident size of the ingestor at one time."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class SoakResult:
    """What a soak came to."""

    published: Published
    memory: list[Memory]
    """Second by second."""
    warm_up_seconds: float
    peak_megabytes: float
    cpu_seconds: float
    not_stored: int
    """How many messages."""
    dropped: int
    """How many messages the broker threw away, its queue being full."""

    @property
    def megabytes_per_minute(self) -> float:
        """By how much the memory grows, once it is warm."""
        return growth(self.memory, after=self.warm_up_seconds) * _MINUTE


def warm_up_seconds(now: float) -> float:
    """How long it takes from now until the first whole five minutes have been rolled up.

    Each minute the five minutes that are filling are summed up from all of their points. Until they were
    full once, that takes more memory each time, and the allocator finds its size.

    Args:
        now: seconds since 1970.
    """
    five_minutes = BUCKET_MS / 1000
    return five_minutes - now % five_minutes + five_minutes + _ROLLED_UP_SECONDS


def growth(memory: Sequence[Memory], *, after: float) -> float:
    """By how many megabytes a second a process grows, by the line that fits best.

    Args:
        memory: at some times.
        after: the second from which on they count.
    """
    warm = [each for each in memory if each.seconds >= after]
    return linear_regression([each.seconds for each in warm], [each.megabytes for each in warm]).slope


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=_MINUTES, help="how long, after the warm-up (default: %(default)g)"
    )
    parser.add_argument("--rate", type=float, help="messages/s (default: by what is measured first)")
    parser.add_argument("--write", type=Path, metavar="DOCUMENT", help="put the figures there, too")
    options = parser.parse_args()
    configure_logging(service="benchmarks", level="WARNING", log_format="auto")
    with copied_into(options.write, command=_COMMAND):
        print(machine())
        rate = options.rate
        if rate is None:
            most = max(replicas.run(1).messages_per_second for _ in range(_ROUNDS))
            rate = most * _OF_MAXIMUM
            print(f"One ingestor stores {most:,.0f} queued messages/s; {_OF_MAXIMUM:.0%} of that is taken")
        print(
            f"\nSoak: {rate:,.0f} messages/s of six metrics; {options.minutes:g} minutes after the warm-up;\n"
            f"it begins with {_QUEUED:,} messages that are queued"
        )
        _print(run(rate=rate, minutes=options.minutes))


def _print(result: SoakResult) -> None:
    published, slope = result.published, result.megabytes_per_minute
    rate = published.messages / published.seconds
    print(f"{'published, messages/s':38}{rate:12,.0f}")
    print(f"{'behind its pace, at most, s':38}{published.furthest_behind_seconds:12.2f}")
    print(f"{'busy, of one core':38}{result.cpu_seconds / published.seconds:12.0%}")
    print(f"{'CPU µs/message':38}{result.cpu_seconds / published.messages * 1e6:12.1f}")
    print(f"{'peak memory, MB':38}{result.peak_megabytes:12.0f}")
    print(f"{'growth after the warm-up, MB/minute':38}{slope:12.2f}")
    print(f"{'published or queued, and not stored':38}{result.not_stored:12,}")
    print(f"{'dropped by the broker':38}{result.dropped:12,}")
    print(bar("everything that was published is stored", reached=result.not_stored <= 0))
    print(
        bar(
            f"flat: grows by less than {_FLAT_MEGABYTES_PER_MINUTE} MB/minute",
            reached=slope < _FLAT_MEGABYTES_PER_MINUTE,
        )
    )
    print(memory_bar(result.peak_megabytes))


def run(*, rate: float, minutes: float) -> SoakResult:
    """Publish at a rate, and print a line for each minute."""
    with (
        mosquitto(backend="process", max_inflight_messages=IN_FLIGHT) as broker,
        redis_server(backend="process") as redis,
        influxdb(backend="process") as influx,
        TemporaryDirectory() as folder,
    ):
        servers = IngestServers(broker, redis.url, influx.create_bucket("soak"))
        return asyncio.run(_run(servers, Path(folder), rate=rate, minutes=minutes))


async def _run(servers: IngestServers, folder: Path, *, rate: float, minutes: float) -> SoakResult:
    await servers.set_up()
    warm_up = warm_up_seconds(time.time())
    seconds = warm_up + minutes * _MINUTE
    async with _ingestor(servers, folder) as ingestor, aiohttp.ClientSession() as http:
        address = BrokerAddress(servers.broker.host, servers.broker.port)
        cpu_at_start = ingestor.process.cpu_seconds()
        async with (
            Redis.from_url(servers.redis_url) as redis,
            paced_publisher(address, rate=rate, seconds=seconds, grids=GRIDS) as publisher,
        ):
            memory, published = await _watch(ingestor, publisher, http, redis, warm_up)

        sent = published.messages + _QUEUED
        stored, dropped = await _fates(ingestor, http, address, sent)
        return SoakResult(
            published,
            memory,
            warm_up,
            ingestor.process.peak_memory_megabytes(),
            ingestor.process.cpu_seconds() - cpu_at_start,
            sent - stored,
            dropped,
        )


async def _fates(
    ingestor: Ingestor, http: aiohttp.ClientSession, address: BrokerAddress, published: int
) -> tuple[int, int]:
    """How many messages were stored and how many dropped, once these are all, or after a while."""
    deadline = time.monotonic() + _CATCH_UP_SECONDS
    while True:
        stored = int(await ingestor.counter(http, READINGS_STORED))
        dropped = await asyncio.to_thread(_dropped, address)
        if stored + dropped >= published or time.monotonic() > deadline:
            return stored, dropped
        await asyncio.sleep(_EVERY_SECONDS)


def _dropped(address: BrokerAddress) -> int:
    command = ["mosquitto_sub", "-h", address.host, "-p", str(address.port), "-C", "1", "-W", "10"]
    answer = subprocess.run([*command, "-t", _DROPPED_TOPIC], capture_output=True, check=False)
    return int(answer.stdout or 0)


@asynccontextmanager
async def _ingestor(servers: IngestServers, folder: Path) -> AsyncIterator[Ingestor]:
    await open_sessions(servers.broker, [_NAME])
    address = BrokerAddress(servers.broker.host, servers.broker.port)
    await asyncio.to_thread(publish, address, _QUEUED)
    settings = {"MICROGRID_STREAM_KEEP_MINUTES": str(_KEEP_MINUTES)}
    async with held_ingestors(servers, [_NAME], folder, settings=settings) as (ingestor,):
        servers.broker.resume()
        yield ingestor


async def _watch(
    ingestor: Ingestor,
    publisher: PacedPublisher,
    http: aiohttp.ClientSession,
    redis: Redis,
    warm_up: float,
) -> tuple[list[Memory], Published]:
    """Measure each second, and print a line each minute, until everything is published."""
    publishing = asyncio.create_task(publisher.done())
    memory: list[Memory] = []
    start = time.monotonic()
    minute, stored_before = 0, 0.0
    print(f"{'minute':>8}{'resident MB':>13}{'stored/s':>12}{'Redis MB':>10}")
    while not publishing.done():
        ingestor.process.check_running()
        seconds = time.monotonic() - start
        memory.append(Memory(seconds, ingestor.process.memory_megabytes()))
        if seconds >= (minute + 1) * _MINUTE:
            minute += 1
            stored = await ingestor.counter(http, READINGS_STORED)
            redis_bytes = (await redis.info("memory"))["used_memory"]
            print(
                f"{minute:8}{memory[-1].megabytes:13.1f}{(stored - stored_before) / _MINUTE:12,.0f}"
                f"{redis_bytes / _MEGABYTE:10.0f}{'  warm-up' if seconds < warm_up else ''}",
                flush=True,
            )
            stored_before = stored
        await asyncio.wait([publishing], timeout=_EVERY_SECONDS)
    return memory, publishing.result()


if __name__ == "__main__":
    main()
