"""What the worker makes of readings, late ones, crashes and clocks on the wall; by virtual time."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.rollup_queue import Bucket, BucketKind
from microgrid_common.ports.rollup_store import Series
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.schemas.grid import Grid
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.rollup_queue import FakeRollupQueue
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.waiting import wait_until
from microgrid_common.transforms.rollups.calendar import HOUR_MS
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.samples import Samples
from microgrid_ingestor.rollup_marks import REFRESH, SETTLE, due_at, touched_buckets
from microgrid_ingestor.rollup_worker import LEASE, RollupPorts, make_due_rollups, make_rollups

pytestmark = pytest.mark.usefixtures("virtual_time")

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
START_MS = int(START.timestamp()) * 1000
LATER = START + timedelta(days=1)


def reading(minute: float, kilowatts: float = 6.0, *, device_id: str = "meter") -> Reading:
    time = START + timedelta(minutes=minute)
    return Reading("village", device_id, time, time, {"consumption_kw": kilowatts})


class System:
    """Stores and a queue in memory, with a worker that runs when it is told to."""

    def __init__(self, zone: str = "UTC") -> None:
        self.queue = FakeRollupQueue()
        self.telemetry = FakeTelemetryStore()
        self.rollups = FakeRollupStore()
        self.grids = FakeGridStore(time_zone=zone)
        self.ports = RollupPorts(self.queue, self.telemetry, self.rollups, self.grids)

    async def arrive(self, *readings: Reading, now: datetime = LATER) -> None:
        """As the historian does it."""
        await self.telemetry.write(readings)
        await self.queue.mark(touched_buckets(readings, now=now))

    async def work(self, now: datetime = LATER) -> int:
        """One round; returns how many buckets were taken."""
        return await make_due_rollups(self.ports, now=now)

    async def work_off(self, now: datetime = LATER) -> None:
        """Work until there is nothing left to do."""
        while await self.queue.waiting() or await self.work(now):
            now += timedelta(seconds=20)
            await self.work(now)

    def hours(self, metric: str = "consumption_kw", device_id: str = "meter") -> dict[float, Rollup]:
        """Hours since 10:00 → figures."""
        return {
            (start_ms - START_MS) / HOUR_MS: row
            for (series, start_ms), row in self.rollups.hour_rows.items()
            if series == Series("village", device_id, metric)
        }


async def test_an_hour_of_readings_becomes_five_minutes_and_an_hour() -> None:
    system = System()
    await system.arrive(*(reading(minute) for minute in range(61)))
    await system.work_off()
    assert len(system.rollups.summary_rows) == 13
    hours = system.hours()
    assert list(hours) == [0, 1]
    assert (hours[0].points, hours[0].mean, hours[0].coverage) == (60, 6, 1)
    assert hours[0].energy_in_kwh == pytest.approx(6)
    assert (hours[1].points, hours[1].coverage) == (1, 0)


async def test_every_metric_and_device_has_rollups_of_its_own() -> None:
    system = System()
    time = START + timedelta(minutes=1)
    await system.arrive(
        Reading("village", "inverter", time, time, {"generation_kw": 3.0, "ac_voltage_v": 231.0}),
        reading(1),
    )
    await system.work_off()
    assert {series[1:] for series, _ in system.rollups.hour_rows} == {
        ("inverter", "generation_kw"),
        ("inverter", "ac_voltage_v"),
        ("meter", "consumption_kw"),
    }


async def test_a_late_reading_changes_its_own_five_minutes_and_hour_and_no_other_row() -> None:
    system = System()
    on_time = [reading(minute) for minute in range(0, 240, 2) if minute != 92]
    await system.arrive(*on_time, *(reading(minute, device_id="other") for minute in range(0, 240, 2)))
    await system.work_off()
    summaries, hours = dict(system.rollups.summary_rows), dict(system.rollups.hour_rows)
    await system.arrive(reading(92, 60.0))
    await system.work_off(LATER + timedelta(hours=1))
    series = Series("village", "meter", "consumption_kw")
    bucket_ms = START_MS + 90 * 60_000
    assert {key for key, row in system.rollups.summary_rows.items() if summaries.get(key) != row} == {
        (series, bucket_ms)
    }
    assert {key for key, row in system.rollups.hour_rows.items() if hours.get(key) != row} == {
        (series, START_MS + HOUR_MS)
    }
    # A triangle of 54 kW over 4 minutes.
    assert system.hours()[1].energy_in_kwh == pytest.approx(6 + 54 * 4 / 2 / 60)


async def test_a_late_reading_near_the_full_hour_reaches_into_the_next_one() -> None:
    system = System()
    await system.arrive(reading(40), reading(65))
    await system.work_off()
    assert [hour.covered_ms for hour in system.hours().values()] == [0, 0]
    await system.arrive(reading(52))
    await system.work_off(LATER + timedelta(hours=1))
    assert [hour.covered_ms for hour in system.hours().values()] == [20 * 60_000, 5 * 60_000]


async def test_hours_are_those_of_the_clock_on_the_wall() -> None:
    system = System(zone="Asia/Kathmandu")
    await system.arrive(reading(10), reading(20))
    await system.work_off()
    assert list(system.hours()) == [-0.75, 0.25]
    assert [hour.points for hour in system.hours().values()] == [1, 1]


async def test_what_people_say_about_a_grid_counts_from_the_next_round_on() -> None:
    system = System()
    await system.grids.put(Grid(grid_id="village", name="Patan", time_zone="Asia/Kathmandu"))
    await system.arrive(reading(20))
    await system.work_off()
    assert list(system.hours()) == [0.25]
    await system.grids.put(Grid(grid_id="village", name="Mumbai", time_zone="Asia/Kolkata", version=1))
    await system.arrive(reading(200))
    await system.work_off(LATER + timedelta(hours=1))
    assert list(system.hours()) == [0.25, 2.5]


@pytest.mark.parametrize("broken", ["queue", "telemetry", "rollups", "grids"])
@pytest.mark.parametrize("calls", range(8))
async def test_whatever_fails_wherever_it_is_made_up_for(broken: str, calls: int) -> None:
    """The n-th call of one of them fails; when the lease is over everything is as it should be."""
    healthy, system = System(), System()
    readings = [reading(minute) for minute in range(0, 70, 3)]
    for each in (healthy, system):
        await each.arrive(*readings)
    await healthy.work_off()
    parts = (system.queue, system.telemetry, system.rollups, system.grids)
    dict(zip(("queue", "telemetry", "rollups", "grids"), parts, strict=True))[broken].fail_next(
        RetryableError("away"), after=calls
    )
    now = LATER
    for _ in range(5):
        with suppress(RetryableError):
            await system.work(now)
        now += timedelta(seconds=20)
    await system.work_off(now + LEASE)
    assert system.rollups.summary_rows == healthy.rollups.summary_rows
    assert system.rollups.hour_rows == healthy.rollups.hour_rows


async def test_a_store_that_refuses_rollups_for_good_loses_none_when_it_changes_its_mind() -> None:
    system = System()
    await system.arrive(reading(1))
    system.rollups.fail_next(PermanentError("no"))
    assert await system.work(LATER + SETTLE) == 1
    assert system.rollups.summary_rows == {}
    await system.work_off(LATER + SETTLE + LEASE)
    assert len(system.rollups.summary_rows) == 1


class _TelemetryWithLatecomer(FakeTelemetryStore):
    """One more reading arrives after the points of its bucket were read."""

    def __init__(self) -> None:
        super().__init__()
        self.latecomer: Reading | None = None
        self.queue = FakeRollupQueue()

    async def device_samples(self, spans: Sequence[DeviceSpan]) -> list[dict[str, Samples]]:
        found = await super().device_samples(spans)
        if (late := self.latecomer) is not None:
            self.latecomer = None
            await self.write([late])
            await self.queue.mark(touched_buckets([late], now=LATER))
        return found


async def test_a_reading_that_arrives_in_the_middle_of_the_work_is_not_lost() -> None:
    system = System()
    telemetry = _TelemetryWithLatecomer()
    system.telemetry, telemetry.queue = telemetry, system.queue
    system.ports = RollupPorts(system.queue, telemetry, system.rollups, system.grids)
    telemetry.latecomer = reading(2)
    await system.arrive(reading(1))
    await system.work_off()
    assert system.hours()[0].points == 2


async def test_a_bucket_whose_points_may_be_deleted_already_is_left_as_it_is() -> None:
    system = System()
    await system.arrive(reading(1), reading(2))
    await system.work_off()
    rows = dict(system.rollups.summary_rows)
    await system.telemetry.forget(START + timedelta(minutes=2) + RAW_KEPT)
    much_later = START + RAW_KEPT
    await system.queue.mark({Bucket(BucketKind.FIVE_MINUTES, "village", "meter", START_MS): much_later})
    await system.work_off(much_later)
    assert system.rollups.summary_rows == rows


async def test_it_works_by_itself_and_goes_on_when_a_store_comes_back() -> None:
    system = System()
    await system.arrive(reading(1))
    system.telemetry.fail_next(RetryableError("away"), times=3)
    times = iter(LATER + LEASE * number for number in range(1_000))
    task = asyncio.create_task(make_rollups(system.ports, clock=lambda: next(times)))
    await wait_until(lambda: bool(system.rollups.hour_rows), timeout=20, description="the hour")
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_without_a_place_for_rollups_nothing_is_taken_and_that_is_said_once() -> None:
    system = System()
    await system.arrive(reading(1))
    system.rollups.fail_next(RetryableError("no such bucket"), times=3)
    with capture_logs() as lines:
        # On a clock that stands still, what was taken would never come back.
        task = asyncio.create_task(make_rollups(system.ports, clock=lambda: LATER + SETTLE))
        await wait_until(lambda: bool(system.rollups.summary_rows), timeout=20, description="the roll-up")
        task.cancel()
        await asyncio.wait([task])
    assert [line["event"] for line in lines] == ["dependency_away", "dependency_back"]
    assert lines[0]["error"] == "no such bucket"


class TestMarks:
    def test_a_batch_marks_each_bucket_once(self) -> None:
        readings = [reading(minute / 10, device_id=device) for minute in range(60) for device in "ab"]
        marks = touched_buckets(readings, now=LATER)
        assert set(marks) == {
            Bucket(BucketKind.FIVE_MINUTES, "village", device, START_MS + minutes * 60_000)
            for device in "ab"
            for minutes in (0, 5)
        }

    @pytest.mark.parametrize(
        ("minute", "bucket_minute"), [(0, 0), (4.99999, 0), (5, 5), (9.9999833, 5), (-0.001, -5)]
    )
    def test_a_bucket_has_its_start_and_not_its_end(self, minute: float, bucket_minute: int) -> None:
        (bucket,) = touched_buckets([reading(minute)], now=LATER)
        assert bucket.start_ms == START_MS + bucket_minute * 60_000

    @pytest.mark.parametrize(
        ("seconds_to_the_end", "due_in"),
        [(-86_400, SETTLE), (0, SETTLE), (1, timedelta(seconds=1) + SETTLE), (59, REFRESH), (300, REFRESH)],
    )
    def test_a_bucket_is_due_soon_after_its_end_and_now_and_then_before(
        self, seconds_to_the_end: int, due_in: timedelta
    ) -> None:
        assert due_at(LATER + timedelta(seconds=seconds_to_the_end), now=LATER) == LATER + due_in
