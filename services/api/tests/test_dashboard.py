"""What the dashboard shows, also when there is little to show or a store is away."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from services.api.tests.problems import detail_of

from microgrid_api.live.feed import LiveFeed
from microgrid_api.web import errors
from microgrid_common.ports.alert_records import AlertQuery
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.schemas.alert import (
    OutOfService,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
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

MINUTE = timedelta(minutes=1)


async def values_arrive(feed: LiveFeed, log: FakeDurableLog, **metrics: float) -> None:
    await append_readings(log, replace(sample_reading(), metrics=metrics))
    await wait_until(lambda: feed.values("default"), timeout=5, description="the values")


async def test_realtime_says_so_when_nothing_has_come_yet(
    operator: httpx.AsyncClient, feed: LiveFeed
) -> None:
    await wait_until(lambda: feed.connected, timeout=5, description="the feed to be up")
    answer = await operator.get("/api/dashboard/realtime")
    assert answer.status_code == 404
    assert detail_of(answer) == "No readings have arrived in the last 24 hours."


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        (
            {"consumption_kw": 10.5},
            '{"consumption_kW":10.5,"generation_kW":null,"battery_soc":null}',
        ),
        ({"battery_soc": 75}, '{"consumption_kW":null,"generation_kW":null,"battery_soc":75}'),
        ({"battery_soc": 75.5}, '{"consumption_kW":null,"generation_kW":null,"battery_soc":75.5}'),
        (
            {"consumption_kw": 0, "generation_kw": 0, "battery_soc": 0},
            '{"consumption_kW":0.0,"generation_kW":0.0,"battery_soc":0}',
        ),
    ],
)
async def test_realtime_shows_null_for_what_has_not_come_and_a_whole_charge_as_an_integer(
    operator: httpx.AsyncClient, feed: LiveFeed, log: FakeDurableLog, metrics: dict[str, float], shown: str
) -> None:
    await values_arrive(feed, log, **metrics)
    assert (await operator.get("/api/dashboard/realtime")).text == shown


async def test_realtime_is_not_there_when_only_other_metrics_have_come(
    operator: httpx.AsyncClient, feed: LiveFeed, log: FakeDurableLog
) -> None:
    await values_arrive(feed, log, humidity_percent=40)
    assert (await operator.get("/api/dashboard/realtime")).status_code == 404


async def test_realtime_is_unavailable_rather_than_old_while_the_log_is_away(
    operator: httpx.AsyncClient, feed: LiveFeed, log: FakeDurableLog
) -> None:
    await values_arrive(feed, log, battery_soc=75)
    await append_readings(log, sample_reading(battery_soc=76))
    log.fail_next(RetryableError("away"), times=3)
    await wait_until(lambda: not feed.connected, timeout=5, description="the feed to notice")
    answer = await operator.get("/api/dashboard/realtime")
    assert answer.status_code == 503
    assert detail_of(answer) == "The log of live readings is away."
    assert int(answer.headers["Retry-After"]) > 0


async def test_realtime_does_not_say_there_is_nothing_before_it_knows(
    operator: httpx.AsyncClient, idle_feed: LiveFeed, telemetry: FakeTelemetryStore
) -> None:
    telemetry.fail_next(RetryableError("away"), times=1000)
    running = asyncio.create_task(idle_feed.run())
    await wait_until(lambda: idle_feed.connected, timeout=5, description="the feed to be up")
    answer = await operator.get("/api/dashboard/realtime")
    assert (answer.status_code, detail_of(answer)) == (
        503,
        "The telemetry store is away, and nothing has arrived since the start.",
    )
    running.cancel()
    await asyncio.wait([running])


async def test_the_newest_alert_comes_first_and_a_cleared_one_not_at_all(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states,
        sample_record(SAMPLE_TIME, number=1, cleared_at=SAMPLE_TIME + 3 * MINUTE),
        sample_record(SAMPLE_TIME + 2 * MINUTE, number=2),
        sample_record(SAMPLE_TIME + MINUTE, number=3, severity=Severity.CRITICAL),
    )
    answer = await operator.get("/api/dashboard/alerts")
    assert [(alert["id"], alert["severity"]) for alert in answer.json()] == [
        ("alert-2", "warning"),
        ("alert-3", "critical"),
    ]


async def test_no_alert_is_an_empty_list(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/dashboard/alerts")
    assert (answer.status_code, answer.json()) == (200, [])


async def test_alerts_of_another_grid_are_not_shown(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(states, sample_record(grid_id="village-2"))
    assert (await operator.get("/api/dashboard/alerts")).json() == []


async def test_alerts_about_the_platform_are_shown_among_those_of_the_grid(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states,
        sample_record(SAMPLE_TIME, number=1),
        sample_record(SAMPLE_TIME + MINUTE, grid_id=PLATFORM_GRID_ID),
        sample_record(SAMPLE_TIME + 2 * MINUTE, number=2),
    )
    answer = await operator.get("/api/dashboard/alerts")
    assert [alert["id"] for alert in answer.json()] == ["alert-2", "alert-platform-1", "alert-1"]


async def test_of_many_alerts_the_newest_are_shown_and_all_are_counted(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states,
        *(sample_record(number=number) for number in range(1, 521)),
        sample_record(number=1, grid_id="platform"),
        tell=False,
    )
    answer = await operator.get("/api/dashboard/alerts")
    shown = [alert["id"] for alert in answer.json()]
    assert (len(shown), shown[0], answer.headers["X-Total-Count"]) == (500, "alert-520", "521")


async def test_few_alerts_are_all_that_there_are(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(states, sample_record())
    assert (await operator.get("/api/dashboard/alerts")).headers["X-Total-Count"] == "1"


async def test_an_alert_that_is_put_aside_is_not_shown(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    later = SAMPLE_TIME + MINUTE
    await put_alerts(
        states,
        sample_record(
            number=1, shelved=Shelving(at=SAMPLE_TIME, by="user", until=later, reason="being replaced")
        ),
        sample_record(
            number=2,
            suppressed=Suppression(at=SAMPLE_TIME, cause=SuppressionCause.PARENT_DOWN, by="gateway"),
        ),
        sample_record(number=3, out_of_service=OutOfService(at=SAMPLE_TIME, by="user", reason="rebuilt")),
        sample_record(number=4, acknowledged_at=SAMPLE_TIME, acknowledged_by="user"),
    )
    answer = await operator.get("/api/dashboard/alerts")
    assert [alert["id"] for alert in answer.json()] == ["alert-4"]


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (RetryableError("redis: 10.0.0.7 is away"), "The alert store is away."),
        (PermanentError("redis: NOPERM"), "The alert store refuses to answer."),
    ],
)
async def test_alerts_are_unavailable_while_their_store_is_away(
    operator: httpx.AsyncClient, records: FakeAlertRecords, error: Exception, detail: str
) -> None:
    records.fail_next(error)
    answer = await operator.get("/api/dashboard/alerts")
    assert (answer.status_code, detail_of(answer)) == (503, detail)
    assert (await operator.get("/api/dashboard/alerts")).status_code == 200


async def test_a_store_says_itself_how_long_to_leave_it_alone(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    telemetry.fail_next(RetryableError("busy", retry_after=timedelta(seconds=29.1)))
    answer = await operator.get("/api/dashboard/historical", params={"metric": "battery_soc"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


async def test_a_store_that_does_not_answer_counts_as_away(
    operator: httpx.AsyncClient, records: FakeAlertRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(query: AlertQuery) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(errors, "ANSWER_WITHIN", timedelta(milliseconds=10))
    monkeypatch.setattr(records, "find", never)
    assert (await operator.get("/api/dashboard/alerts")).status_code == 503
