"""Any delivery of the same readings gives the same roll-ups and the same energy, to the last bit.

Readings are shuffled, repeated, cut into batches and delayed; in between the worker runs, or does not, or is
stopped in the middle; two of them work at the same time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid_common.adapters.influx.rollup_store import InfluxRollupStore, set_up_buckets
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.adapters.sqlite.rollup_store import SqliteRollupStore
from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.rollup_history import Resolution, read_rollups
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.rollup_queue import FakeRollupQueue
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.servers import InfluxDB
from microgrid_common.transforms.rollups.calendar import DAY_MS, HOUR_MS, Span, days_between, hours_between
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import summarise
from microgrid_ingestor.rollup_marks import touched_buckets
from microgrid_ingestor.rollup_worker import LEASE, RollupPorts, make_due_rollups

# Shortly before midnight in Kathmandu, and within what InfluxDB's buckets keep.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
START = TODAY - timedelta(days=2) + timedelta(hours=17)
SPAN_MS = int(3 * HOUR_MS)
ZONE = ZoneInfo("Asia/Kathmandu")

METRICS = {
    "battery_power_kw": st.one_of(st.floats(-50, 50), st.sampled_from([0.0, 5.0])),
    "energy_consumed_kwh": st.one_of(st.floats(0, 300), st.sampled_from([0.0, 100.0])),
    "battery_soc": st.floats(0, 100),
}
DEVICES = ("meter", "battery-1")

Points = dict[tuple[str, str], dict[int, float]]
"""(device, metric) → time in milliseconds → value."""


@dataclass
class Delivery:
    """What is sent, in batches, and how long the worker then has, in seconds."""

    readings: list[Reading]
    batches: list[tuple[list[Reading], float]]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    grid_id = uuid4().hex
    minute = st.integers(0, SPAN_MS // 60_000 - 1).map(lambda minutes: minutes * 60_000)
    times = st.one_of(minute, st.integers(0, SPAN_MS - 1), st.integers(0, 40 * 60_000))
    measured = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(DEVICES), times),
            st.fixed_dictionaries({}, optional=METRICS).filter(bool),
            min_size=1,
            max_size=25,
        )
    )
    readings = [
        Reading(grid_id, device_id, time := START + timedelta(milliseconds=ms), time, metrics)
        for (device_id, ms), metrics in measured.items()
    ]
    again = draw(st.lists(st.sampled_from(readings), max_size=10))
    sent = draw(st.permutations([*readings, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    batches = [sent[first:end] for first, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    return Delivery(readings, [(batch, draw(st.sampled_from([0, 2, 15, 90]))) for batch in batches])


def expected(readings: list[Reading]) -> tuple[dict[tuple[str, str], list[Rollup]], ...]:
    """Five minutes, hours and days from all points at once, as arithmetic has them."""
    points: Points = {}
    for reading in readings:
        for metric, value in reading.metrics.items():
            ms = round(reading.timestamp.timestamp() * 1000)
            points.setdefault((reading.device_id, metric), {})[ms] = value
    span = _span()
    fives = {
        key: five_minute_rollups(key[1], summarise(key[1], values.items()), span)
        for key, values in points.items()
    }
    hours = {key: _added(rows, hours_between(*span, ZONE)) for key, rows in fives.items()}
    days = {key: _added(rows, days_between(*span, ZONE)) for key, rows in hours.items()}
    return fives, hours, days


def _span() -> Span:
    day = days_between(int(START.timestamp()) * 1000 - DAY_MS, int(START.timestamp()) * 1000, ZONE)[0]
    return Span(day.start_ms, day.start_ms + 3 * DAY_MS)


def _added(rows: list[Rollup], spans: list[Span]) -> list[Rollup]:
    inside = [(span, [row for row in rows if span.start_ms <= row.start_ms < span.end_ms]) for span in spans]
    return [add_up(some, span) for span, some in inside if some]


async def found(store: RollupStore, grid_id: str) -> tuple[dict[tuple[str, str], list[Rollup]], ...]:
    """Everything that the store has, in the form of `expected`."""
    answers = []
    for resolution in Resolution:
        by_key: dict[tuple[str, str], list[Rollup]] = {}
        for metric in METRICS:
            by_device = await read_rollups(
                store, grid_id, metric, resolution=resolution, span=_span(), zone=ZONE
            )
            by_key |= {(device_id, metric): rows for device_id, rows in by_device.items()}
        answers.append(by_key)
    return tuple(answers)


def ports_over(telemetry: TelemetryStore, rollups: RollupStore) -> RollupPorts:
    return RollupPorts(FakeRollupQueue(), telemetry, rollups, FakeGridStore(time_zone=ZONE.key))


async def work(ports: RollupPorts, start: datetime, seconds: float, *, cut_off: bool) -> datetime:
    """Two workers for some time; then they may be cut off in the middle of a round."""
    now = start
    while now < start + timedelta(seconds=seconds):
        rounds = [asyncio.create_task(make_due_rollups(ports, now=now)) for _ in range(2)]
        now += timedelta(seconds=7)
        if not cut_off or now < start + timedelta(seconds=seconds):
            await asyncio.gather(*rounds)
            continue
        for _ in range(4):
            await asyncio.sleep(0)
        for cut in rounds:
            cut.cancel()
            with suppress(asyncio.CancelledError):
                await cut
    return now


class DeliveryContract:
    cut_off = True
    """Whether workers may be stopped anywhere. What a stopped one had asked for must be over within a lease,
    which is no time at all in virtual time."""

    async def deliver(self, delivery: Delivery, ports: RollupPorts) -> None:
        now = START + timedelta(hours=5)
        for batch, seconds in delivery.batches:
            await ports.telemetry.write(batch)
            await ports.queue.mark(touched_buckets(batch, now=now))
            now = await work(ports, now, seconds, cut_off=self.cut_off)
        now += LEASE
        while await ports.queue.waiting() or await make_due_rollups(ports, now=now):
            now += timedelta(seconds=20)
            await make_due_rollups(ports, now=now)

    async def check(self, delivery: Delivery, ports: RollupPorts) -> None:
        await self.deliver(delivery, ports)
        assert await found(ports.rollups, delivery.readings[0].grid_id) == expected(delivery.readings)


_FIXTURE_IS_FINE = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


class TestInMemory(DeliveryContract):
    @given(deliveries())
    async def test_any_delivery(self, delivery: Delivery) -> None:
        await self.check(delivery, ports_over(FakeTelemetryStore(), FakeRollupStore()))


class TestSqlite(DeliveryContract):
    @pytest.fixture
    async def ports(self, tmp_path: Path) -> AsyncIterator[RollupPorts]:
        async with (
            SqliteTelemetryStore(tmp_path / "telemetry.sqlite3") as telemetry,
            SqliteRollupStore(tmp_path / "rollups.sqlite3") as rollups,
        ):
            yield ports_over(telemetry, rollups)

    @settings(max_examples=25, deadline=None, suppress_health_check=_FIXTURE_IS_FINE)
    @given(deliveries())
    async def test_any_delivery(self, ports: RollupPorts, delivery: Delivery) -> None:
        await self.check(delivery, ports_over(ports.telemetry, ports.rollups))


@pytest.mark.integration
class TestInflux(DeliveryContract):
    cut_off = False

    @pytest.fixture
    async def ports(self, influxdb_server: InfluxDB) -> AsyncIterator[RollupPorts]:
        influxdb_server.start()
        url, token, org = influxdb_server.url, influxdb_server.token, influxdb_server.org
        bucket = f"test-{uuid4().hex}"
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(InfluxServer(url=url, token=token, org=org))
            await set_up_buckets(server, bucket)
            telemetry = InfluxTelemetryStore(url=url, token=token, org=org, bucket=bucket)
            rollups = InfluxRollupStore(url=url, token=token, org=org, bucket=bucket)
            yield ports_over(
                await stack.enter_async_context(telemetry),
                await stack.enter_async_context(rollups),
            )

    @settings(max_examples=8, deadline=None, suppress_health_check=_FIXTURE_IS_FINE)
    @given(deliveries())
    async def test_any_delivery(self, ports: RollupPorts, delivery: Delivery) -> None:
        await self.check(delivery, ports_over(ports.telemetry, ports.rollups))
