"""Requests to one API process with its real Redis: the summary of a grid, and acknowledging alerts."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final
from urllib.error import URLError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import uvloop

from benchmarks.http_load import Request, as_many_as_are_answered, at_a_pace, connect
from benchmarks.measured_process import MeasuredProcess, measured_process
from benchmarks.report import bar
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.adapters.redis.durable_log import RedisDurableLog
from microgrid_common.schemas.device import Device
from microgrid_common.testing.samples import append_readings, put_alerts, sample_reading, sample_record
from microgrid_common.testing.servers import redis_server
from microgrid_common.testing.waiting import free_port, wait_until

_HOST: Final = "127.0.0.1"
_GRID: Final = "village"
_DEVICES: Final = 20
_ALERTS: Final = 400
_CONNECTIONS: Final = 32
_SECONDS: Final = 6.0
_PASSWORD: Final = "correct horse"

_SUMMARIES_PER_SECOND: Final = 1_500
_SUMMARY_P99_MILLISECONDS: Final = 20
_ACKNOWLEDGEMENTS_PER_SECOND: Final = 50
_ACKNOWLEDGE_P99_MILLISECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class _Figures:
    summaries_per_second: float
    cpu_microseconds_per_summary: float
    summary_p99_milliseconds: float
    acknowledge_p99_milliseconds: float


def report() -> Iterator[str]:
    """Measure, and say it."""
    with TemporaryDirectory() as folder, redis_server() as server:
        figures = _measure(Path(folder), server.url)
    yield (
        f"API: one process with users of its own; a grid of {_DEVICES} devices; {_CONNECTIONS} connections"
    )
    yield f"{'summaries a second':38}{figures.summaries_per_second:12,.0f}"
    yield f"{'CPU µs a summary':38}{figures.cpu_microseconds_per_summary:12,.0f}"
    yield f"{'summary, p99 ms at half the bar':38}{figures.summary_p99_milliseconds:12.1f}"
    yield f"{'acknowledge, p99 ms at 50 a second':38}{figures.acknowledge_p99_milliseconds:12.1f}"
    yield bar(
        f"{_SUMMARIES_PER_SECOND:,} summaries a second",
        reached=figures.summaries_per_second >= _SUMMARIES_PER_SECOND,
    )
    yield bar(
        f"99 of 100 summaries in {_SUMMARY_P99_MILLISECONDS} ms",
        reached=figures.summary_p99_milliseconds < _SUMMARY_P99_MILLISECONDS,
    )
    yield bar(
        f"99 of 100 acknowledged in {_ACKNOWLEDGE_P99_MILLISECONDS} ms",
        reached=figures.acknowledge_p99_milliseconds < _ACKNOWLEDGE_P99_MILLISECONDS,
    )


def _measure(folder: Path, redis_url: str) -> _Figures:
    port = free_port()
    environment = {
        "MICROGRID_AUTH_MODE": "local",
        "MICROGRID_API_PORT": str(port),
        "MICROGRID_REDIS_URL": redis_url,
        "MICROGRID_TELEMETRY_STORE": "sqlite",
        "MICROGRID_DATA_DIR": str(folder / "data"),
        "MICROGRID_LOG_LEVEL": "WARNING",
        "MICROGRID_API_USER_REQUESTS_PER_SECOND": "0",
        "MICROGRID_API_ADDRESS_REQUESTS_PER_SECOND": "0",
    }
    command = [sys.executable, "-m", "microgrid_api"]
    with measured_process(command, environment=environment, log=folder / "api.log") as api:
        return uvloop.run(_run(api, environment, port, redis_url))


async def _run(api: MeasuredProcess, environment: dict[str, str], port: int, redis_url: str) -> _Figures:
    alerts = await _prepare(redis_url)
    await _create_admin(environment)
    token = await _log_in(api, port)
    host = f"{_HOST}:{port}"
    summary = Request.make("GET", f"/api/dashboard/summary/{_GRID}", host=host, token=token)
    acknowledgements = [
        Request.make("PUT", f"/api/alerts/{alert_id}/acknowledge", host=host, token=token)
        for alert_id in alerts
    ]
    async with AsyncExitStack() as stack:
        connections = await connect(_HOST, port, _CONNECTIONS)
        for connection in connections:
            stack.callback(connection.close)
        await as_many_as_are_answered(connections, summary, seconds=1)
        cpu_before = api.cpu_seconds()
        rate = await as_many_as_are_answered(connections, summary, seconds=_SECONDS)
        cpu = api.cpu_seconds() - cpu_before
        half = _SUMMARIES_PER_SECOND / 2
        summaries = await at_a_pace(connections, [summary] * int(half * _SECONDS), per_second=half)
        acknowledged = await at_a_pace(connections, acknowledgements, per_second=_ACKNOWLEDGEMENTS_PER_SECOND)
    return _Figures(
        summaries_per_second=rate,
        cpu_microseconds_per_summary=cpu / (rate * _SECONDS) * 1e6,
        summary_p99_milliseconds=_p99_milliseconds(summaries),
        acknowledge_p99_milliseconds=_p99_milliseconds(acknowledged),
    )


async def _prepare(redis_url: str) -> list[str]:
    client = make_client(redis_url)
    now = datetime.now(UTC)
    names = [f"meter-{number}" for number in range(_DEVICES)]
    await RedisDeviceRegistry(client).put([Device(grid_id=_GRID, device_id=name) for name in names])
    records = [sample_record(now, number=number, grid_id=_GRID) for number in range(1, _ALERTS + 1)]
    await put_alerts(RedisAlarmStates(client), *records)
    readings = [
        sample_reading(
            now, grid_id=_GRID, device_id=name, consumption_kw=1.5, generation_kw=2, battery_soc=70
        )
        for name in names
    ]
    await append_readings(RedisDurableLog(client), *readings)
    await client.aclose()
    return [record.id for record in records]


async def _create_admin(environment: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "microgrid_api", "create-admin", "bench"),
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(f"{_PASSWORD}\n".encode())
    if process.returncode:
        raise RuntimeError("no administrator could be made")


async def _log_in(api: MeasuredProcess, port: int) -> str:
    body = json.dumps({"username": "bench", "password": _PASSWORD}).encode()
    request = UrlRequest(
        f"http://{_HOST}:{port}/api/auth/login", data=body, headers={"Content-Type": "application/json"}
    )
    tokens: dict[str, str] = {}

    def try_it() -> bool:
        api.check_running()
        try:
            with urlopen(request) as answer:
                tokens.update(json.load(answer))
        except URLError:
            return False
        return True

    await wait_until(lambda: asyncio.to_thread(try_it), timeout=30, description="the API to let one in")
    return tokens["access_token"]


def _p99_milliseconds(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[-1] * 1000
