"""The alerts of a grid over HTTP: to find, and to look at one of them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from services.api.tests.problems import detail_of, fields_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import (
    Note,
    OutOfService,
    RaisingReading,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record

MINUTE = timedelta(minutes=1)
LATER = SAMPLE_TIME + MINUTE
SHELVED = Shelving(at=LATER, by="user", until=LATER + MINUTE, reason="The sensor is being replaced.")
SUPPRESSED = Suppression(at=LATER, cause=SuppressionCause.PARENT_DOWN, by="gateway-1")
OUT_OF_SERVICE = OutOfService(at=LATER, by="user", reason="The bank is being rebuilt.")


async def get(client: httpx.AsyncClient, path: str = "village", **params: Any) -> Any:
    answer = await client.get(f"/api/alerts/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(client: httpx.AsyncClient, path: str = "village", **params: Any) -> list[int]:
    """The numbers of the alerts that are found, in their order."""
    return [int(alert["id"].rpartition("-")[2]) for alert in (await get(client, path, **params))["alerts"]]


async def test_an_alert_is_listed_with_all_but_its_readings(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    alert = sample_record(grid_id="village", number=7, rule_version=2, metrics={"consumption_kw": 14.2})
    await put_alerts(states, alert)
    assert await get(operator) == {
        "alerts": [
            {
                "id": "alert-village-7",
                "grid_id": "village",
                "device_id": "prototype",
                "component": None,
                "type": "threshold",
                "rule_id": "load-abnormality",
                "rule_version": 2,
                "severity": "warning",
                "message": "Load Abnormality: Unusual load increase detected.",
                "recommended_action": "",
                "source": "rule",
                "status": "active",
                "state": "unacknowledged",
                "timestamp": "2026-11-23T10:00:00.000Z",
                "returned_at": None,
                "cleared_at": None,
                "acknowledged": None,
                "assigned_to": None,
                "notes": [],
                "shelved": None,
                "suppressed": None,
                "out_of_service": None,
                "superseded_by": None,
                "first_out": False,
                "first_out_id": None,
                "chattering": False,
                "added_delay_seconds": 0.0,
                "metrics": {"consumption_kw": 14.2},
            }
        ],
        "next_cursor": None,
    }


async def test_one_alert_is_shown_with_everything_that_happened_to_it(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states,
        sample_record(
            grid_id="village",
            number=2,
            component="feeder-1",
            recommended_action="Look for a new load.",
            readings=(
                RaisingReading(timestamp=SAMPLE_TIME - MINUTE, metrics={"consumption_kw": 13}),
                RaisingReading(timestamp=SAMPLE_TIME, metrics={"consumption_kw": 14.2}),
            ),
            acknowledged_at=LATER,
            acknowledged_by="user",
            assigned_to="amina",
            notes=(Note(at=LATER, by="user", text="On my way."),),
            shelved=SHELVED,
            suppressed=SUPPRESSED,
            out_of_service=OUT_OF_SERVICE,
            first_out_id="alert-village-1",
            chattering=True,
            added_delay_seconds=60,
        ),
    )
    alert = await get(operator, "village/alert-village-2")
    at = "2026-11-23T10:01:00.000Z"
    expected = {
        "component": "feeder-1",
        "recommended_action": "Look for a new load.",
        "status": "active",
        "state": "out_of_service",
        "acknowledged": {"at": at, "by": "user"},
        "assigned_to": "amina",
        "notes": [{"at": at, "by": "user", "text": "On my way."}],
        "shelved": {
            "at": at,
            "by": "user",
            "until": "2026-11-23T10:02:00.000Z",
            "reason": "The sensor is being replaced.",
        },
        "suppressed": {"at": at, "cause": "parent_down", "by": "gateway-1"},
        "out_of_service": {"at": at, "by": "user", "reason": "The bank is being rebuilt."},
        "first_out": False,
        "first_out_id": "alert-village-1",
        "chattering": True,
        "added_delay_seconds": 60.0,
        "readings": [
            {"timestamp": "2026-11-23T09:59:00.000Z", "metrics": {"consumption_kw": 13.0}},
            {"timestamp": "2026-11-23T10:00:00.000Z", "metrics": {"consumption_kw": 14.2}},
        ],
    }
    assert {name: alert[name] for name in expected} == expected


async def test_an_alert_of_another_grid_is_not_there(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(states, sample_record(), sample_record(grid_id="village"))
    for grid_id, identifier in [
        ("default", "alert-village-1"),
        ("village", "alert-1"),
        ("village", "alert-village-2"),
        ("nowhere", "alert-village-1"),
        ("village", "nonsense"),
        ("village", "alert-village-1-0"),
        ("village", "alert-village-01"),
    ]:
        answer = await operator.get(f"/api/alerts/{grid_id}/{identifier}")
        assert answer.status_code == 404, identifier
        assert detail_of(answer) == "There is no such alert in this grid."
    assert (await get(operator, "default/alert-1"))["grid_id"] == "default"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 2, 1]),
        ({"status": "active"}, [8, 3, 2, 1]),
        ({"status": "resolved"}, [4]),
        ({"put_aside": True}, [7, 6, 5]),
        ({"put_aside": True, "status": "active"}, [7, 6, 5]),
        ({"put_aside": False, "status": "resolved"}, [4]),
        ({"severity": "critical"}, [2]),
        ({"device_id": "meter"}, [3]),
        ({"rule_id": "device:Ölstand tief"}, [8]),
        ({"from": "2026-11-23T10:03:00Z", "to": "2026-11-23T11:05:00+01:00"}, [4, 3]),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "9999-12-31T23:59:59-14:00", "limit": 1}, [8]),
        ({"status": "active", "from": "2026-11-23T10:02:00Z", "severity": "warning"}, [8, 3]),
    ],
)
async def test_a_list_can_be_narrowed(
    operator: httpx.AsyncClient, states: FakeAlarmStates, params: dict[str, Any], expected: list[int]
) -> None:
    differences: list[dict[str, Any]] = [
        {},
        {"severity": Severity.CRITICAL, "acknowledged_at": LATER, "acknowledged_by": "user"},
        {"device_id": "meter"},
        {"cleared_at": SAMPLE_TIME + 9 * MINUTE},
        {"shelved": SHELVED},
        {"suppressed": SUPPRESSED},
        {"out_of_service": OUT_OF_SERVICE},
        {"rule_id": "device:Ölstand tief"},
    ]
    await put_alerts(
        states,
        sample_record(grid_id="town"),
        *(
            sample_record(SAMPLE_TIME + number * MINUTE, grid_id="village", number=number, **difference)
            for number, difference in enumerate(differences, start=1)
        ),
    )
    assert await ids(operator, **params) == expected


async def test_a_grid_sees_its_own_alerts_alone(operator: httpx.AsyncClient, states: FakeAlarmStates) -> None:
    await put_alerts(states, sample_record(grid_id="village"), sample_record(grid_id="platform", number=5))
    assert await ids(operator, "village") == [1]
    assert await ids(operator, "platform") == [5]
    assert await ids(operator, "default") == []


async def test_pages_follow_one_another_also_when_something_is_raised_meanwhile(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(states, *(sample_record(grid_id="village", number=number) for number in range(1, 8)))
    first = await get(operator, limit=4)
    await put_alerts(states, sample_record(LATER, grid_id="village", number=8))
    second = await get(operator, limit=4, cursor=first["next_cursor"])
    assert [alert["id"] for alert in first["alerts"] + second["alerts"]] == [
        f"alert-village-{number}" for number in range(7, 0, -1)
    ]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "params", "where"),
    [
        ("a b", {}, "grid_id"),
        ("x" * 65, {}, "grid_id"),
        ("a b/alert-1", {}, "grid_id"),
        ("village/" + "x" * 101, {}, "alert_id"),
        ("village", {"status": "open"}, "status"),
        ("village", {"status": "resolved", "put_aside": "true"}, "put_aside"),
        ("village", {"put_aside": "maybe"}, "put_aside"),
        ("village", {"severity": "terrible"}, "severity"),
        ("village", {"device_id": "a/b"}, "device_id"),
        ("village", {"rule_id": "x" * 401}, "rule_id"),
        ("village", {"from": "2026-11-23T10:00:00"}, "from"),
        ("village", {"to": "yesterday"}, "to"),
        ("village", {"limit": "0"}, "limit"),
        ("village", {"limit": "501"}, "limit"),
        ("village", {"cursor": "nonsense"}, "cursor"),
        ("village", {"cursor": ""}, "cursor"),
        ("village", {"cursor": "x" * 201}, "cursor"),
    ],
)
async def test_bad_input_is_refused_with_its_name(
    operator: httpx.AsyncClient, path: str, params: dict[str, str], where: str
) -> None:
    answer = await operator.get(f"/api/alerts/{path}", params=params)
    assert answer.status_code == 422
    assert [field.rpartition(".")[2] for field in fields_of(answer)] == [where]


@pytest.mark.parametrize("path", ["village", "village/alert-village-1"])
async def test_a_stranger_sees_no_alert(
    stranger: httpx.AsyncClient, states: FakeAlarmStates, path: str
) -> None:
    await put_alerts(states, sample_record(grid_id="village"))
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert (await stranger.get(f"/api/alerts/{path}", headers=headers)).status_code == 401


@pytest.mark.parametrize("path", ["village", "village/alert-village-1"])
async def test_a_store_that_is_away_is_a_503(
    operator: httpx.AsyncClient, records: FakeAlertRecords, path: str
) -> None:
    records.fail_next(RetryableError("redis: refused", retry_after=timedelta(seconds=7)))
    answer = await operator.get(f"/api/alerts/{path}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert detail_of(answer) == "The alert store is away."


async def test_a_time_that_ends_before_it_begins_is_refused(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/alerts/default?from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.from"
