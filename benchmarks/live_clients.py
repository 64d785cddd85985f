"""Many live clients of one API process, while readings arrive: how late they hear, and what each costs."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.distribution import Distribution, until_seen
from benchmarks.live_socket import LiveSocket, open_socket
from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.paced_publisher import number_of
from benchmarks.report import bar
from microgrid_api.web.open_files import make_room_for
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of
from microgrid_common.testing.samples import put_alerts, sample_record
from microgrid_common.testing.servers import redis_server
from microgrid_common.testing.waiting import free_port, wait_until

CLIENTS = 1_000
GRIDS = 10
RATE = 1_000
"""Readings a second, of all grids; each is an entry of its own."""
SECONDS = 15
WARM_UP_SECONDS = 3

_BAR_MILLISECONDS = 250
_TICKS_PER_SECOND = RATE // GRIDS
"""In each tick, every grid gets one reading."""
_OPENED_AT_ONCE = 25
_READY_SECONDS = 40.0
_LAST_SECONDS = 15.0
_SHARDS = 4
_STEP_KW, _FIRST_KW = 0.0001, 5.0
_TOKEN = "prototype_token"


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What it was like."""

    readings: Distribution
    """For each reading and client: from before it was appended until it, or a newer one, arrived."""
    alerts: Distribution
    """For each alert and client: from before it was appended until it arrived."""
    messages_per_second: float
    """That the server sent."""
    cpu_share: float
    """Of one core, that the server used."""
    kilobytes_per_client: float
    furthest_behind_seconds: float
    """How late a reading was appended at most, against the pace."""


def report() -> Iterator[str]:
    """Run it, and say what came of it line by line."""
    yield (
        f"Live: {CLIENTS:,} WebSockets of {GRIDS} grids on one API process, {RATE:,} readings/s and "
        f"{GRIDS} alerts/s for {SECONDS} s"
    )
    result = run()
    yield f"{'milliseconds':38}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}{'count':>12}"
    yield _line("each reading or a newer one, to each", result.readings)
    yield _line("each alert, to each", result.alerts)
    yield f"{'publisher behind its pace, at most':38}{result.furthest_behind_seconds * 1000:8.1f}"
    yield f"{'messages/s sent':38}{result.messages_per_second:8,.0f}"
    yield f"{'CPU of the API, of one core':38}{result.cpu_share:8.0%}"
    yield f"{'memory per client':38}{result.kilobytes_per_client:8.1f} kB"
    yield (f"Clients, publisher and Redis run on the same {os.cpu_count()} cores; the times include theirs.")
    yield bar(
        f"p99 of each reading below {_BAR_MILLISECONDS} ms", reached=result.readings.p99 < _BAR_MILLISECONDS
    )


def _line(name: str, times: Distribution) -> str:
    return (
        f"{name:38}{times.median:8.1f}{times.p95:8.1f}{times.p99:8.1f}{times.maximum:8.1f}{times.count:12,}"
    )


def run() -> LiveResult:
    """Start everything, connect, publish, and listen."""
    make_room_for(CLIENTS)
    with redis_server(backend="process") as redis, TemporaryDirectory() as folder:
        return asyncio.run(_run(redis.url, Path(folder)))


async def _run(redis_url: str, folder: Path) -> LiveResult:
    port = free_port()
    async with _api(redis_url, port, folder) as process:
        publisher = _Publisher(redis_url)
        # What a process needs once only is no client's.
        (await _open(port, 0)).close()
        before = process.memory_megabytes()
        sockets = await _open_all(port)
        await publisher.publish(WARM_UP_SECONDS)
        memory = process.memory_megabytes() - before
        sent, cpu = sum(socket.messages for socket in sockets), process.cpu_seconds()
        began = time.monotonic()
        await publisher.publish(SECONDS)
        seconds, used = time.monotonic() - began, process.cpu_seconds() - cpu
        sent = sum(socket.messages for socket in sockets) - sent
        await _until_all_have_heard(sockets, publisher)
        await publisher.close()
        for socket in sockets:
            socket.close()
        return LiveResult(
            readings=_readings(sockets, publisher),
            alerts=_alerts(sockets, publisher),
            messages_per_second=sent / seconds,
            cpu_share=used / seconds,
            kilobytes_per_client=memory * 1024 / CLIENTS,
            furthest_behind_seconds=publisher.furthest_behind_seconds,
        )


class _Publisher:
    """Appends as the ingestor and the alert engine do."""

    def __init__(self, redis_url: str) -> None:
        self._client = make_client(redis_url)
        self._log = RedisDurableLog(self._client)
        self._states = RedisAlarmStates(self._client)
        self.readings: list[float] = []
        """When each tick's readings were appended, by the monotonic clock: just before."""
        self.alerts: list[float] = []
        self.first_reading = 0
        """The first tick after the warm-up."""
        self.first_alert = 0
        self.furthest_behind_seconds = 0.0

    async def publish(self, seconds: int) -> None:
        self.first_reading, self.first_alert = len(self.readings), len(self.alerts)
        began = time.monotonic()
        for tick in range(seconds * _TICKS_PER_SECOND):
            due = began + tick / _TICKS_PER_SECOND
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.furthest_behind_seconds = max(self.furthest_behind_seconds, time.monotonic() - due)
            if tick % _TICKS_PER_SECOND == 0:
                await self._raise_alerts()
            await self._append_readings()

    async def _append_readings(self) -> None:
        now = datetime.now(UTC)
        kilowatts = _FIRST_KW + len(self.readings) * _STEP_KW
        records = []
        for grid_id in _grid_ids():
            reading = Reading(
                grid_id=grid_id,
                device_id="meter-1",
                timestamp=now,
                received_at=now,
                metrics={"consumption_kw": kilowatts, "battery_soc": 75.0},
            )
            stream = readings_stream_of(grid_id, _SHARDS)
            records.append(Record(stream, READINGS_KIND, encode_readings([reading])))
        self.readings.append(time.monotonic())
        await self._log.append(records)

    async def _raise_alerts(self) -> None:
        number = len(self.alerts) + 1
        now = datetime.now(UTC)
        self.alerts.append(time.monotonic())
        await put_alerts(
            self._states, *(sample_record(now, number=number, grid_id=grid_id) for grid_id in _grid_ids())
        )

    async def close(self) -> None:
        await self._client.aclose()


def _grid_ids() -> list[str]:
    return [f"village-{number}" for number in range(GRIDS)]


def _readings(sockets: Sequence[LiveSocket], publisher: _Publisher) -> Distribution:
    first, times = publisher.first_reading, publisher.readings
    return Distribution.of(
        chain.from_iterable(until_seen(socket.readings, times, first=first) for socket in sockets)
    )


def _alerts(sockets: Sequence[LiveSocket], publisher: _Publisher) -> Distribution:
    waits = []
    for socket in sockets:
        numbers = [sight.number for sight in socket.alerts]
        if numbers != list(range(1, len(publisher.alerts) + 1)):
            raise RuntimeError(f"a client heard the alerts {numbers}, not each one once and in order")
        waits += [
            sight.seconds - publisher.alerts[sight.number - 1]
            for sight in socket.alerts[publisher.first_alert :]
        ]
    return Distribution.of(waits)


async def _until_all_have_heard(sockets: Sequence[LiveSocket], publisher: _Publisher) -> None:
    last = len(publisher.readings) - 1
    await wait_until(
        lambda: all(socket.readings and socket.readings[-1].number >= last for socket in sockets),
        timeout=_LAST_SECONDS,
        description="the last reading to arrive everywhere",
    )
    if lost := [socket.lost for socket in sockets if socket.lost]:
        raise RuntimeError(f"{len(lost)} connections ended, the first one with: {lost[0]}")


async def _open_all(port: int) -> list[LiveSocket]:
    at_once = asyncio.Semaphore(_OPENED_AT_ONCE)

    async def open_one(number: int) -> LiveSocket:
        async with at_once:
            return await _open(port, number)

    return await asyncio.gather(*(open_one(number) for number in range(CLIENTS)))


async def _open(port: int, number: int) -> LiveSocket:
    return await open_socket(port, f"/api/live/{_grid_ids()[number % GRIDS]}", _TOKEN, number_of)


@asynccontextmanager
async def _api(redis_url: str, port: int, folder: Path) -> AsyncIterator[MeasuredProcess]:
    settings = {
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_TELEMETRY_STORE": "sqlite",
        "MICROGRID_DATA_DIR": str(folder),
        "MICROGRID_STREAM_SHARDS": str(_SHARDS),
        "MICROGRID_API_PORT": str(port),
    }
    command = [sys.executable, "-m", "microgrid_api"]
    with measured_process(command, environment=settings, log=folder / "api.log") as process:
        async with aiohttp.ClientSession() as http:

            async def is_ready() -> bool:
                process.check_running()
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    return answer.ok

            await wait_until(is_ready, timeout=_READY_SECONDS, description="the API to be ready")
        yield process
