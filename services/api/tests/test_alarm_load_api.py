"""The alarm load of a grid: over which time, and what is said of it."""

from datetime import timedelta

import httpx
import pytest
from services.api.tests.problems import detail_of, problems_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Severity
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

LOAD = "/api/alerts/village-1/load"
DAY = timedelta(days=1)


@pytest.fixture
async def history(states: FakeAlarmStates) -> None:
    """Alarms of 2, 5 and 12 days ago, the last of which lasts; and one of another grid."""
    alerts = [
        sample_record(
            SAMPLE_TIME - days * DAY,
            number=days,
            grid_id="village-1",
            device_id="meter-1",
            rule_id="load",
            cleared_at=cleared_at,
            severity=severity,
        )
        for days, cleared_at, severity in (
            (12, None, Severity.CRITICAL),
            (5, SAMPLE_TIME - 4 * DAY, Severity.WARNING),
            (2, SAMPLE_TIME - DAY, Severity.INFO),
        )
    ]
    await put_alerts(states, *alerts, sample_record(SAMPLE_TIME - DAY, grid_id="village-2"))


@pytest.mark.usefixtures("history")
async def test_the_load_is_that_of_the_last_seven_days(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(LOAD)
    assert answer.status_code == 200
    load = answer.json()
    assert (load["start"], load["end"]) == ("2026-11-16T10:00:00.000Z", "2026-11-23T10:00:00.000Z")
    assert (load["grid_id"], load["alarms"], load["standing_alarms"]) == ("village-1", 2, 1)
    assert load["worst_10_minutes_start"] == "2026-11-18T10:00:00.000Z"
    assert [(rule["rule_id"], rule["stale_alarms"]) for rule in load["rules"]] == [("load", 1)]
    assert load["rules"][0]["worst_10_minutes_start"] == "2026-11-18T10:00:00.000Z"
    assert load["top_offenders"][0]["device_id"] == "meter-1"
    assert {(judged["figure"], judged["met"]) for judged in load["guidance"]} >= {
        ("alarms_per_hour", True),
        ("top_10_percent", False),
    }


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("query", "alarms"),
    [
        ({"from": "2026-11-01T00:00:00Z"}, 3),
        ({"from": "2026-11-01T00:00:00Z", "to": "2026-11-18T10:00:00Z"}, 1),
        ({"to": "2026-11-18T10:00:00Z"}, 1),
        ({"from": "2026-11-21T12:00:00+02:00", "to": "2027-01-01T00:00:00Z"}, 1),
    ],
)
async def test_the_time_can_be_given(operator: httpx.AsyncClient, query: dict[str, str], alarms: int) -> None:
    answer = await operator.get(LOAD, params=query)
    assert (answer.status_code, answer.json()["alarms"]) == (200, alarms)
    assert answer.json()["end"] <= "2026-11-23T10:00:00.000Z"


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ({"from": "2026-11-23T10:00:00Z"}, "from", "before `to`"),
        ({"from": "2025-11-22T09:59:59Z"}, "from", "366 days"),
        ({"from": "0001-01-01T00:00:00Z"}, "from", "366 days"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to", "after 2020-01-01"),
        ({"from": "2026-11-01T00:00:00"}, "from", "timezone"),
        ({"to": "yesterday"}, "to", "datetime"),
    ],
)
async def test_a_time_that_cannot_be_is_refused_by_its_parameter(
    operator: httpx.AsyncClient, query: dict[str, str], parameter: str, message: str
) -> None:
    answer = await operator.get(LOAD, params=query)
    assert answer.status_code == 422
    (problem,) = problems_of(answer)
    assert problem["field"] == f"query.{parameter}"
    assert message in problem["message"]


async def test_a_grid_without_alarms_has_no_load(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/alerts/nowhere/load")
    assert (answer.status_code, answer.json()["alarms"]) == (200, 0)


async def test_a_name_that_cannot_be_a_grid_is_refused(operator: httpx.AsyncClient) -> None:
    assert (await operator.get("/api/alerts/no%20grid/load")).status_code == 422


async def test_nobody_sees_the_load_without_signing_in(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get(LOAD)).status_code == 401


async def test_a_store_that_is_away_is_said_to_be(
    operator: httpx.AsyncClient, records: FakeAlertRecords
) -> None:
    records.fail_next(RetryableError("away at 10.0.0.1"))
    answer = await operator.get(LOAD)
    assert (answer.status_code, detail_of(answer)) == (503, "The alert store is away.")
