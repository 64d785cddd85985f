"""History is the same from every store."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from microgrid_api.app import create_app
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.adapters.influx.rollup_store import InfluxRollupStore, set_up_buckets
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.adapters.sqlite.rollup_store import SqliteRollupStore
from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.rollup_store import RollupStore, Series
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.schemas.grid import Grid
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.samples import sample_reading
from microgrid_common.transforms.rollups.calendar import Span, hours_between
from microgrid_common.transforms.rollups.rollup import add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import summarise

GRID, ZONE, METRIC = "village-1", "Asia/Kathmandu", "consumption_kw"
Stores = tuple[TelemetryStore, RollupStore]

# A server forgets by its own clock, so the times have to be near the real present.
NOW = datetime.now(UTC).replace(minute=20, second=0, microsecond=0) - timedelta(hours=1)


@asynccontextmanager
async def on_sqlite(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    folder = request.getfixturevalue("tmp_path")
    async with SqliteTelemetryStore(folder / "t") as telemetry, SqliteRollupStore(folder / "r") as rollups:
        yield telemetry, rollups


@asynccontextmanager
async def on_influx(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    server = request.getfixturevalue("influxdb_server")
    server.start()
    bucket = f"test-{uuid4().hex}"
    url, token, org = server.url, server.token, server.org
    async with InfluxServer(url=url, token=token, org=org) as opened:
        await set_up_buckets(opened, bucket)
    async with (
        InfluxTelemetryStore(url=url, token=token, org=org, bucket=bucket) as telemetry,
        InfluxRollupStore(url=url, token=token, org=org, bucket=bucket) as rollups,
    ):
        yield telemetry, rollups


async def fill(telemetry: TelemetryStore, rollups: RollupStore) -> None:
    """Two devices for thirty hours, a point every 10 minutes with two hours missing; one leaps."""
    end_ms = round(NOW.timestamp()) * 1000
    start_ms = end_ms - 30 * 3_600_000
    for device_id, kilowatts in (("a", 5.0), ("b", 1.5)):
        samples = [
            (time_ms, kilowatts + time_ms % 7 + (6_000 if number == 150 else 0))
            for number, time_ms in enumerate(range(start_ms, end_ms, 600_000))
            if not 120 <= number < 132
        ]
        await telemetry.write(
            [
                sample_reading(
                    datetime.fromtimestamp(time_ms / 1000, UTC),
                    grid_id=GRID,
                    device_id=device_id,
                    consumption_kw=value,
                )
                for time_ms, value in samples
            ]
        )
        series = Series(GRID, device_id, METRIC)
        summaries = summarise(METRIC, samples)
        await rollups.write_summaries([(series, one) for one in summaries])
        fives = five_minute_rollups(METRIC, summaries, Span(start_ms, end_ms))
        for hour in hours_between(start_ms, end_ms, ZoneInfo(ZONE)):
            if inside := [one for one in fives if hour.start_ms <= one.start_ms < hour.end_ms]:
                await rollups.write_hours([(series, add_up(inside, hour))])


async def answers(ports: ApiPorts, feed: LiveFeed) -> list[str]:
    """All that there is to ask, and what comes."""
    app = create_app(ports, feed=feed, now=lambda: NOW)
    headers = {"Authorization": "Bearer prototype_token"}
    transport = httpx.ASGITransport(app=app)
    found: list[str] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        for granularity in ("raw", "5m", "1h", "1d", "auto"):
            for device in ({}, {"device_id": "a"}):
                for path, more in (("historical", {"points": "100"}), ("export", {})):
                    parameters = {"metrics": METRIC, "period": "30h", "granularity": granularity}
                    answer = await client.get(f"/api/{path}/{GRID}", params=parameters | device | more)
                    assert answer.status_code == 200, answer.text
                    found.append(answer.text)
    return found


@pytest.mark.parametrize("opened", [on_sqlite, pytest.param(on_influx, marks=pytest.mark.integration)])
async def test_every_store_gives_the_same_history(
    request: pytest.FixtureRequest,
    ports: ApiPorts,
    grids: FakeGridStore,
    idle_feed: LiveFeed,
    *,
    opened: Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[Stores]],
) -> None:
    await grids.put(Grid(grid_id=GRID, name="Village", time_zone=ZONE))
    await fill(ports.telemetry, ports.rollups)
    expected = await answers(ports, idle_feed)
    async with opened(request) as (telemetry, rollups):
        await fill(telemetry, rollups)
        assert await answers(replace(ports, telemetry=telemetry, rollups=rollups), idle_feed) == expected
    assert sum('"value":null' in answer for answer in expected) == 8
    assert sum("+05:45" in answer for answer in expected) == len(expected)
