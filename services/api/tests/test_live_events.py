"""The live messages of a grid as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.live import channel as live_channel
from microgrid_api.live import connection as live_connection
from microgrid_api.live.feed import LiveFeed
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import TokenProblem, TokenRefusedError
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.samples import put_alerts, sample_record
from microgrid_common.testing.waiting import wait_until

GRID = "village-1"
TOKEN = {"authorization": "Bearer prototype_token"}


@dataclass(slots=True)
class Event:
    name: str = ""
    id: str | None = None
    data: Any = None


@dataclass(slots=True)
class EventSource:
    """The client's side of one answer, in the event loop of the test."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    may_take: asyncio.Event = field(default_factory=asyncio.Event)
    parts: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> dict[str, Any]:
        if self.status == 0:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        await self.may_take.wait()
        if message["body"]:
            self.parts.put_nowait(message["body"])
        if not message.get("more_body"):
            self.parts.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event; None at the end."""
        async with asyncio.timeout(5):
            part = await self.parts.get()
        if part is None:
            return None
        event = Event()
        for line in part.decode().splitlines():
            name, _, value = line.partition(": ")
            match name:
                case "event":
                    event.name = value
                case "id":
                    event.id = value
                case "data":
                    event.data = json.loads(value)
        return event

    async def expect(self, name: str) -> Event:
        event = await self.next()
        assert event is not None
        assert event.name == name
        return event


Listen = Callable[..., AbstractAsyncContextManager[EventSource]]


@pytest.fixture(autouse=True)
def quick_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_channel, "PACE", timedelta(milliseconds=1))


@pytest.fixture
def listen(app: FastAPI, feed: LiveFeed) -> Listen:
    @asynccontextmanager
    async def answer(
        *, query: str = "", headers: dict[str, str] = TOKEN, grid_id: str = GRID
    ) -> AsyncIterator[EventSource]:
        source = EventSource()
        source.may_take.set()
        path = f"/api/live/{grid_id}/events"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [
                (name.encode(), value.encode()) for name, value in ({"host": "127.0.0.1"} | headers).items()
            ],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "state": {},
        }
        serving = asyncio.create_task(app(scope, source.receive, source.send))  # type: ignore[arg-type]
        yield source
        source.left.set()
        source.may_take.set()
        async with asyncio.timeout(5):
            await serving

    return answer


async def test_events_are_named_by_their_type_and_have_the_cursor_as_id(
    listen: Listen, states: FakeAlarmStates
) -> None:
    async with listen() as source:
        snapshot = await source.expect("snapshot")
        await put_alerts(states, sample_record(grid_id=GRID))
        alert = await source.expect("alert")
    assert source.status == 200
    assert source.headers["content-type"].startswith("text/event-stream")
    assert source.headers["cache-control"] == "no-store"
    assert snapshot.data["type"] == "snapshot"
    assert alert.data["alert"]["id"] == "alert-village-1-1"
    assert alert.id == alert.data["cursor"] != snapshot.id


@pytest.mark.parametrize("by_header", [True, False])
async def test_the_id_of_the_last_event_resumes(
    listen: Listen, states: FakeAlarmStates, *, by_header: bool
) -> None:
    async with listen() as source:
        last = (await source.expect("snapshot")).id or ""
    await put_alerts(states, sample_record(grid_id=GRID))
    resuming = (
        listen(headers={**TOKEN, "last-event-id": last}) if by_header else listen(query=f"cursor={last}")
    )
    async with resuming as source:
        await source.expect("resumed")
        assert (await source.expect("alert")).data["transition"] == "raised"


async def test_a_gap_has_no_id_so_that_it_is_told_again_after_a_cut(listen: Listen) -> None:
    async with listen(headers={**TOKEN, "last-event-id": "nonsense"}) as source:
        assert (await source.expect("gap")).id is None
        assert (await source.expect("snapshot")).id


@pytest.mark.parametrize(
    ("headers", "query", "grid_id", "status"),
    [
        ({}, "", GRID, 401),
        ({}, "token=forged", GRID, 401),
        ({}, "token=prototype_token", GRID, 200),
        (TOKEN, "", "a%20b", 404),
    ],
)
async def test_the_token_comes_in_a_header_or_in_the_address(
    listen: Listen, headers: dict[str, str], query: str, grid_id: str, status: int
) -> None:
    async with listen(headers=headers, query=query, grid_id=grid_id) as source:
        await source.next()
    assert source.status == status


async def test_there_is_one_limit_for_all_live_clients(listen: Listen) -> None:
    async with listen() as first, listen() as second, listen() as third:
        for source in (first, second, third):
            await source.expect("snapshot")
        async with listen() as one_too_many:
            await one_too_many.next()
        assert one_too_many.status == 503
    async with listen() as after_they_left:
        await after_they_left.expect("snapshot")


async def test_without_the_alerts_a_client_is_asked_to_come_back_later(
    listen: Listen, records: FakeAlertRecords
) -> None:
    records.fail_next(RetryableError("away"))
    async with listen() as source:
        await source.next()
    assert (source.status, source.headers["retry-after"]) == (503, "2")


async def test_events_end_with_the_token_and_say_so(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: PrototypeIdentity, __: str) -> None:
        raise TokenRefusedError(TokenProblem.EXPIRED)

    monkeypatch.setattr(live_connection, "HEARTBEAT_EVERY", timedelta(milliseconds=1))
    async with listen() as source:
        await source.expect("snapshot")
        await source.expect("heartbeat")
        monkeypatch.setattr(PrototypeIdentity, "caller", refuse)
        while (event := await source.next()) and event.name == "heartbeat":
            pass
        assert event == Event(
            "end", None, {"type": "end", "code": 4401, "reason": "the token is missing or not valid"}
        )
        assert await source.next() is None


async def test_a_client_that_takes_nothing_for_long_is_given_up(
    listen: Listen, app: FastAPI, states: FakeAlarmStates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_connection, "SEND_WITHIN", timedelta(milliseconds=10))
    channels = app.state.context.live_channels
    async with listen() as source:
        await source.expect("snapshot")
        source.may_take.clear()
        await put_alerts(states, sample_record(grid_id=GRID))
        await wait_until(lambda: not channels.watched, timeout=5, description="the client to be given up")
