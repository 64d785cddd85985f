"""What operators do about alerts over HTTP: what is asked of the desk, and what is answered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from services.api.tests.problems import detail_of, fields_of

from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.alarm_desk import Handled, UnknownAlertError
from microgrid_common.testing.samples import SAMPLE_TIME, sample_record
from microgrid_common.transforms.alarms.actions import (
    Acknowledge,
    Action,
    ActionRefusedError,
    AddNote,
    Assign,
    Clear,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)

HOUR = timedelta(hours=1)
ALERT = sample_record(grid_id="village", number=7, acknowledged_at=SAMPLE_TIME, acknowledged_by="user")
BODIES: dict[str, Any] = {
    "acknowledge": None,
    "shelve": {"minutes": 60, "reason": "test"},
    "unshelve": None,
    "clear": None,
    "note": {"text": "test"},
    "assign": {"to": "amina"},
    "out-of-service": {"reason": "test"},
    "return-to-service": None,
}


class ScriptedDesk:
    """Answers every action with one alert, or with one error."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[tuple[str, Action, str]] = []

    async def act(self, alert_id: str, action: Action, *, by: str) -> Handled:
        self.asked.append((alert_id, action, by))
        if self.error:
            raise self.error
        return Handled(before=ALERT, after=ALERT)


@pytest.fixture
def desk(app: FastAPI) -> ScriptedDesk:
    scripted = ScriptedDesk()
    app.state.context = replace(app.state.context, alarm_desk=scripted)
    return scripted


async def order(client: httpx.AsyncClient, action: str, body: Any = None, **headers: str) -> httpx.Response:
    method = "PUT" if action == "acknowledge" else "POST"
    path = f"/api/alerts/alert-village-7/{action}"
    if body is None:
        return await client.request(method, path, headers=headers)
    return await client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize(
    ("action", "body", "asked"),
    [
        ("acknowledge", None, Acknowledge(note=None)),
        ("acknowledge", {}, Acknowledge(note=None)),
        ("acknowledge", {"note": None}, Acknowledge(note=None)),
        ("acknowledge", {"note": " Niko njiani. \n"}, Acknowledge(note="Niko njiani.")),
        ("shelve", {"minutes": 60, "reason": "test"}, Shelve(until=SAMPLE_TIME + HOUR, reason="test")),
        (
            "shelve",
            {"until": "2026-11-24T11:00:00+01:00", "reason": "test"},
            Shelve(until=SAMPLE_TIME + 24 * HOUR, reason="test"),
        ),
        ("unshelve", None, Unshelve()),
        ("clear", None, Clear()),
        ("note", {"text": "A new fan\ncomes on Friday."}, AddNote(text="A new fan\ncomes on Friday.")),
        ("note", {"text": "x" * 2_000}, AddNote(text="x" * 2_000)),
        ("assign", {"to": "amina"}, Assign(to="amina")),
        ("assign", {"to": None}, Assign(to=None)),
        ("out-of-service", {"reason": "test"}, TakeOutOfService(reason="test")),
        ("return-to-service", None, ReturnToService()),
    ],
)
async def test_an_action_is_done_in_the_name_of_who_signed_in(
    operator: httpx.AsyncClient, desk: ScriptedDesk, action: str, body: Any, asked: Action
) -> None:
    answer = await order(operator, action, body)
    assert answer.status_code == 200, answer.text
    assert desk.asked == [("alert-village-7", asked, "user")]
    alert = answer.json()
    assert (alert["id"], alert["state"], alert["readings"]) == ("alert-village-7", "acknowledged", [])
    assert alert["acknowledged"] == {"at": "2026-11-23T10:00:00.000Z", "by": "user"}


@pytest.mark.parametrize("action", list(BODIES))
async def test_what_cannot_be_done_is_a_409_with_the_reason(
    operator: httpx.AsyncClient, desk: ScriptedDesk, action: str
) -> None:
    desk.error = ActionRefusedError("The alarm has ended.")
    answer = await order(operator, action, BODIES[action])
    assert (answer.status_code, detail_of(answer)) == (409, "The alarm has ended.")


@pytest.mark.parametrize("action", list(BODIES))
async def test_an_alert_that_is_not_there_is_a_404(
    operator: httpx.AsyncClient, desk: ScriptedDesk, action: str
) -> None:
    desk.error = UnknownAlertError("alert-village-7")
    answer = await order(operator, action, BODIES[action])
    assert (answer.status_code, detail_of(answer)) == (404, "There is no such alert.")


@pytest.mark.parametrize("action", list(BODIES))
async def test_a_store_that_is_away_is_a_503(
    operator: httpx.AsyncClient, desk: ScriptedDesk, action: str
) -> None:
    desk.error = RetryableError("redis: refused", retry_after=timedelta(seconds=7))
    answer = await order(operator, action, BODIES[action])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert detail_of(answer) == "The alert store is away."


@pytest.mark.parametrize("action", list(BODIES))
async def test_a_stranger_does_nothing(stranger: httpx.AsyncClient, desk: ScriptedDesk, action: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        assert (await order(stranger, action, BODIES[action], **headers)).status_code == 401
    assert desk.asked == []


@pytest.mark.parametrize(
    ("action", "body", "where"),
    [
        ("acknowledge", {"note": ""}, ["note"]),
        ("acknowledge", {"note": "x" * 2_001}, ["note"]),
        ("acknowledge", {"by": "somebody else"}, ["by"]),
        ("acknowledge", [], []),
        ("shelve", None, []),
        ("shelve", {"minutes": 60}, ["reason"]),
        ("shelve", {"minutes": 60, "reason": " "}, ["reason"]),
        ("shelve", {"minutes": 0, "reason": "test"}, ["minutes"]),
        ("shelve", {"minutes": 24 * 60 + 1, "reason": "test"}, ["minutes"]),
        ("shelve", {"minutes": 10**30, "reason": "test"}, ["minutes"]),
        ("shelve", {"minutes": 1.5, "reason": "test"}, ["minutes"]),
        ("shelve", {"until": "2026-11-23T10:00:00Z", "reason": "test"}, ["until"]),
        ("shelve", {"until": "2026-11-24T10:00:00.001Z", "reason": "test"}, ["until"]),
        ("shelve", {"until": "2026-11-23T11:00:00", "reason": "test"}, ["until"]),
        ("shelve", {"until": "0001-01-01T00:00:00+14:00", "reason": "test"}, ["until"]),
        ("shelve", {"until": "9999-12-31T23:59:59-14:00", "reason": "test"}, ["until"]),
        ("shelve", {"reason": "test"}, []),
        ("shelve", {"until": "2026-11-23T11:00:00Z", "minutes": 60, "reason": "test"}, []),
        ("note", None, []),
        ("note", {"text": "\t \n"}, ["text"]),
        ("note", {"text": "x" * 2_001}, ["text"]),
        ("note", {"text": 7}, ["text"]),
        ("assign", {}, ["to"]),
        ("assign", {"to": ""}, ["to"]),
        ("assign", {"to": "x" * 257}, ["to"]),
        ("out-of-service", {}, ["reason"]),
        ("out-of-service", {"reason": "x" * 2_001}, ["reason"]),
    ],
)
async def test_a_bad_order_is_refused_with_its_field(
    operator: httpx.AsyncClient, desk: ScriptedDesk, action: str, body: Any, where: list[str]
) -> None:
    answer = await order(operator, action, body)
    assert answer.status_code == 422
    assert fields_of(answer) == [".".join(["body", *where])]
    assert desk.asked == []


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000\\ud800"])
async def test_a_text_that_is_no_unicode_is_refused(
    operator: httpx.AsyncClient, desk: ScriptedDesk, text: str
) -> None:
    answer = await operator.post(
        "/api/alerts/alert-1/note",
        content=f'{{"text":"{text}"}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert desk.asked == []


async def test_an_id_that_is_too_long_is_refused(operator: httpx.AsyncClient, desk: ScriptedDesk) -> None:
    answer = await operator.put(f"/api/alerts/{'x' * 101}/acknowledge")
    assert (answer.status_code, fields_of(answer)[0]) == (422, "path.alert_id")
    assert desk.asked == []
