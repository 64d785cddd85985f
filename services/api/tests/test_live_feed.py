"""Following the log: nothing is lost at the start, and nothing stops it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from microgrid_api.live.feed import LIVE_WINDOW, FellBehindError, LiveFeed
from microgrid_api.live.subscription import LiveSubscription
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.telemetry_store import Point, TelemetryStore
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.reading import Reading
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM, NOTICE_KIND, READINGS_KIND
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import (
    SAMPLE_TIME,
    append_readings,
    put_alerts,
    sample_reading,
    sample_record,
)
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

GRID = "default"
MINUTE = timedelta(minutes=1)

RunFeed = Callable[[TelemetryStore], AbstractAsyncContextManager[LiveFeed]]


@pytest.fixture
def run_feed(log: FakeDurableLog) -> RunFeed:
    @asynccontextmanager
    async def running(telemetry: TelemetryStore) -> AsyncIterator[LiveFeed]:
        feed = LiveFeed(log=log, telemetry=telemetry, stream_shards=4, now=lambda: SAMPLE_TIME)
        task = asyncio.create_task(feed.run())
        try:
            yield feed
        finally:
            task.cancel()
            await asyncio.wait([task])

    return running


async def until_consumption_is(feed: LiveFeed, expected: float) -> None:
    await wait_until(
        lambda: feed.values(GRID)["consumption_kw"].value == expected,
        timeout=5,
        description=f"a consumption of {expected} kW",
    )


class StoreThatAnswersLate(FakeTelemetryStore):
    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def latest(self, grid_id: str, *, since: datetime) -> dict[str, Point]:
        answer = await super().latest(grid_id, since=since)
        self.asked.set()
        await self.may_answer.wait()
        return answer


async def test_it_starts_from_what_was_stored(run_feed: RunFeed, telemetry: FakeTelemetryStore) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME - MINUTE, consumption_kw=7)])
    async with run_feed(telemetry) as feed:
        await until_consumption_is(feed, 7)


async def test_what_arrives_while_the_store_is_asked_is_not_lost(
    run_feed: RunFeed, log: FakeDurableLog
) -> None:
    store = StoreThatAnswersLate()
    async with run_feed(store) as feed:
        await store.asked.wait()
        await append_readings(log, sample_reading(consumption_kw=14.2))
        store.may_answer.set()
        await until_consumption_is(feed, 14.2)


async def test_a_slow_store_holds_nothing_up_and_overwrites_nothing_newer(
    run_feed: RunFeed, log: FakeDurableLog
) -> None:
    store = StoreThatAnswersLate()
    await store.write([sample_reading(SAMPLE_TIME - MINUTE, consumption_kw=1, battery_soc=50)])
    async with run_feed(store) as feed:
        await append_readings(log, sample_reading(consumption_kw=14.2))
        await until_consumption_is(feed, 14.2)
        assert not feed.seeded

        store.may_answer.set()
        await wait_until(lambda: feed.seeded, timeout=5, description="the seed")
        values = {metric: value.value for metric, value in feed.values(GRID).items()}
        assert values == {"consumption_kw": 14.2, "battery_soc": 50}


async def test_what_came_just_before_the_start_is_shown_though_it_is_not_stored_yet(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    await append_readings(log, sample_reading(consumption_kw=14.2))
    async with run_feed(telemetry) as feed:
        await until_consumption_is(feed, 14.2)


async def test_alerts_from_before_the_start_are_no_news(
    run_feed: RunFeed, states: FakeAlarmStates, telemetry: FakeTelemetryStore
) -> None:
    await put_alerts(states, sample_record())
    async with run_feed(telemetry) as feed:
        await wait_until(lambda: feed.seeded and feed.connected, timeout=5, description="the feed to be up")
        assert feed.alert_events_seen == 0


async def test_it_waits_for_a_log_that_is_away_and_says_so_once(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    log.fail_next(RetryableError("away"), times=3)
    with capture_logs() as lines:
        async with run_feed(telemetry) as feed:
            await append_readings_when_it_is_back(log)
            await until_consumption_is(feed, 14.2)
            assert feed.connected
    assert [(line["event"], line["dependency"]) for line in lines] == [
        ("dependency_away", "durable_log"),
        ("dependency_back", "durable_log"),
    ]


async def append_readings_when_it_is_back(log: FakeDurableLog) -> None:
    await wait_until(lambda: not log._failures, timeout=5, description="the log to be back")
    await append_readings(log, sample_reading(consumption_kw=14.2))


async def test_it_is_not_connected_while_reading_fails(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    async with run_feed(telemetry) as feed:
        await append_readings(log, sample_reading(consumption_kw=1))
        await until_consumption_is(feed, 1)
        await append_readings(log, sample_reading(consumption_kw=2))
        log.fail_next(RetryableError("away"), times=3)
        await wait_until(lambda: not feed.connected, timeout=5, description="the feed to notice")
        await append_readings_when_it_is_back(log)
        await until_consumption_is(feed, 14.2)
        assert feed.connected


@pytest.mark.parametrize("error", [RetryableError("away"), PermanentError("wrong token")])
async def test_it_goes_on_without_a_store_until_that_is_back(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore, error: Exception
) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME - MINUTE, battery_soc=50)])
    telemetry.fail_next(error, times=3)
    async with run_feed(telemetry) as feed:
        await append_readings(log, sample_reading(consumption_kw=14.2))
        await until_consumption_is(feed, 14.2)
        await wait_until(lambda: feed.seeded, timeout=5, description="the seed")
        assert feed.values(GRID)["battery_soc"].value == 50


async def test_an_entry_that_cannot_be_read_is_passed_over(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    async with run_feed(telemetry) as feed:
        await log.append(
            [
                Record("readings:0", READINGS_KIND, b"not JSON"),
                Record("readings:1", NOTICE_KIND, b"{}"),
                Record(ALERTS_STREAM, ALERT_EVENT_KIND, b"{}"),
            ]
        )
        await append_readings(log, sample_reading(consumption_kw=14.2))
        await until_consumption_is(feed, 14.2)


async def test_a_value_from_before_the_live_window_is_not_shown(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    async with run_feed(telemetry) as feed:
        old = sample_reading(SAMPLE_TIME - LIVE_WINDOW - MINUTE, humidity_percent=40)
        await append_readings(log, old, sample_reading(consumption_kw=14.2))
        await until_consumption_is(feed, 14.2)
        assert list(feed.values(GRID)) == ["consumption_kw"]


async def test_a_subscription_gives_only_the_latest_of_the_values_that_came_meanwhile(
    run_feed: RunFeed, log: FakeDurableLog, telemetry: FakeTelemetryStore
) -> None:
    async with run_feed(telemetry) as feed:
        subscription = LiveSubscription(feed, GRID)
        readings = [at_second(second) for second in range(5)]
        await append_readings(log, *readings)
        await until_consumption_is(feed, 4)
        delta = await subscription.next(within=MINUTE)
        assert delta
        assert [value.value for value in delta.values.values()] == [4]
        assert await subscription.next(within=timedelta()) is None


def at_second(second: int) -> Reading:
    return sample_reading(SAMPLE_TIME - MINUTE + timedelta(seconds=second), consumption_kw=second)


async def test_a_subscription_hears_of_the_alerts_of_its_own_grid_and_of_the_platform_alone(
    run_feed: RunFeed, states: FakeAlarmStates, telemetry: FakeTelemetryStore
) -> None:
    async with run_feed(telemetry) as feed:
        await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
        subscription = LiveSubscription(feed, GRID)
        await put_alerts(
            states,
            sample_record(grid_id="village-2"),
            sample_record(),
            sample_record(grid_id=PLATFORM_GRID_ID),
        )
        await wait_until(lambda: feed.alert_events_seen == 3, timeout=5, description="all alerts")
        delta = subscription.take()
        assert [event.alert.id for event in delta.alert_events] == ["alert-1", "alert-platform-1"]


async def test_a_subscription_that_missed_an_alert_is_told(
    log: FakeDurableLog, states: FakeAlarmStates, telemetry: FakeTelemetryStore
) -> None:
    feed = LiveFeed(log=log, telemetry=telemetry, stream_shards=4, alert_events_kept=2)
    running = asyncio.create_task(feed.run())
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    subscription = LiveSubscription(feed, GRID)
    await put_alerts(states, *(sample_record(number=number) for number in (1, 2, 3)))
    await wait_until(lambda: feed.alert_events_seen == 3, timeout=5, description="all alerts")
    with pytest.raises(FellBehindError):
        subscription.take()
    running.cancel()
    await asyncio.wait([running])
