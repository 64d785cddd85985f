"""Changes are put on record, and administrators read the record."""

import httpx
import pytest
from fastapi import HTTPException
from services.api.tests.stopped_clock import Clock
from structlog.testing import capture_logs

from microgrid_api.identity.auditing import Auditor
from microgrid_api.web.errors import UnavailableError
from microgrid_common.ports.errors import RetryableError
from microgrid_common.testing.contracts.audit_log import audit_entry
from microgrid_common.testing.fakes.audit_log import FakeAuditLog


@pytest.fixture
def auditor(audit: FakeAuditLog, now: Clock) -> Auditor:
    return Auditor(audit, who="maria", address="192.0.2.7", request_id="r-1", now=now)


async def test_a_change_is_recorded_once_it_is_made(
    auditor: Auditor, audit: FakeAuditLog, now: Clock
) -> None:
    async with auditor.change("rule.change", "battery-low", grid_id="village") as change:
        change.before = {"limit": 20}
        assert audit.recorded == []
    (recorded,) = audit.recorded
    assert recorded.entry.model_dump() == {
        "at": now(),
        "who": "maria",
        "action": "rule.change",
        "target": "battery-low",
        "grid_id": "village",
        "before": {"limit": 20},
        "after": None,
        "address": "192.0.2.7",
        "request_id": "r-1",
    }


async def test_a_change_that_is_refused_is_not_recorded(auditor: Auditor, audit: FakeAuditLog) -> None:
    with pytest.raises(HTTPException):
        async with auditor.change("rule.change", "battery-low", grid_id="village"):
            raise HTTPException(409)
    assert audit.recorded == []


async def test_what_cannot_be_recorded_is_not_changed(auditor: Auditor, audit: FakeAuditLog) -> None:
    audit.fail_next(RetryableError("away"))
    with pytest.raises(UnavailableError):
        async with auditor.change("rule.change", "battery-low", grid_id="village"):
            pytest.fail("it was changed")


async def test_a_log_that_goes_away_meanwhile_is_tried_again(auditor: Auditor, audit: FakeAuditLog) -> None:
    async with auditor.change("rule.change", "battery-low", grid_id="village"):
        audit.fail_next(RetryableError("away"), times=2)
    assert len(audit.recorded) == 1


async def test_what_was_changed_and_cannot_be_recorded_is_in_the_services_log(
    auditor: Auditor, audit: FakeAuditLog
) -> None:
    with capture_logs() as logs:
        async with auditor.change("rule.change", "battery-low", grid_id="village"):
            audit.fail_next(RetryableError("away"), times=3)
    assert [(line["event"], line["entry"]["target"]) for line in logs] == [
        ("audit_entry_not_kept", "battery-low")
    ]


async def test_what_is_too_large_to_keep_is_said(auditor: Auditor, audit: FakeAuditLog) -> None:
    async with auditor.change("rule.change", "battery-low", grid_id="village") as change:
        change.after = "x" * 70_000
    assert audit.recorded[0].entry.after == {"too_large_to_keep_bytes": 70_002}


async def test_pages_of_a_grid_and_of_all(operator: httpx.AsyncClient, audit: FakeAuditLog) -> None:
    audit.recorded.clear()
    for target, grid_id in [("a", "village"), ("b", None), ("c", "village")]:
        await audit.append(audit_entry(target, grid_id=grid_id))
    first = (await operator.get("/api/audit/village?limit=1")).json()
    assert first["entries"][0] == {
        "entry_id": "3-0",
        "at": "2026-11-23T10:00:00.000Z",
        "who": "maria",
        "action": "rule.change",
        "target": "c",
        "grid_id": "village",
        "before": {"limit": 20, "odd": ['"', "é", None, 1.5]},
        "after": None,
        "address": None,
        "request_id": None,
    }
    rest = (await operator.get(f"/api/audit/village?cursor={first['next_cursor']}")).json()
    assert ([entry["target"] for entry in rest["entries"]], rest["next_cursor"]) == (["a"], None)
    assert len((await operator.get("/api/audit")).json()["entries"]) == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "cursor="])
async def test_a_bad_question_is_refused(operator: httpx.AsyncClient, query: str) -> None:
    assert (await operator.get(f"/api/audit?{query}")).status_code == 422
