"""Who may watch a grid, for how long, and what a client may say meanwhile."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest
from fastapi import FastAPI
from services.api.tests.stopped_clock import Clock

from microgrid_api.live import connection as live_connection
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import Caller, TokenProblem, TokenRefusedError
from microgrid_common.schemas.user import Role
from microgrid_common.testing.asgi_websocket import AsgiWebSocket, asgi_websocket
from microgrid_common.testing.samples import SAMPLE_TIME

pytestmark = pytest.mark.usefixtures("virtual_time")

GRID = "village-1"
SOON = SAMPLE_TIME + timedelta(minutes=15)

Connect = Callable[..., AbstractAsyncContextManager[AsgiWebSocket]]


class Tokens:
    """Implements what of `Identity` a live connection needs: tokens that a test gives out and takes back."""

    def __init__(self) -> None:
        self.callers: dict[str, Caller] = {}
        self.is_away = False

    def give(self, token: str, username: str = "amina", grants: Mapping[str, Role] | None = None) -> None:
        self.callers[token] = Caller(
            username=username,
            login_id="login",
            grants=grants or {GRID: Role.VIEWER},
            expires_at=SOON,
        )

    async def caller(self, token: str) -> Caller:
        if self.is_away:
            raise RetryableError("away")
        if token not in self.callers:
            raise TokenRefusedError(TokenProblem.INVALID)
        return self.callers[token]

    async def log_in(self, username: str, password: str) -> NoReturn:
        raise NotImplementedError

    async def refresh(self, refresh_token: str) -> NoReturn:
        raise NotImplementedError

    async def log_out(self, caller: Caller) -> None:
        raise NotImplementedError


@pytest.fixture
def tokens() -> Tokens:
    tokens = Tokens()
    tokens.give("first")
    return tokens


@pytest.fixture
def ports(ports: ApiPorts, tokens: Tokens) -> ApiPorts:
    return replace(ports, identity=tokens)


@pytest.fixture
def connect(app: FastAPI, feed: LiveFeed) -> Connect:
    def open_connection(
        token: str = "first", grid_id: str = GRID
    ) -> AbstractAsyncContextManager[AsgiWebSocket]:
        return asgi_websocket(app, f"/api/live/{grid_id}", headers={"Authorization": f"Bearer {token}"})

    return open_connection


@pytest.fixture
def quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_connection, "HEARTBEAT_EVERY", timedelta(milliseconds=10))


def say(client: AsgiWebSocket, text: str | None = None, **binary: bytes) -> None:
    client.to_server.put_nowait({"type": "websocket.receive", "text": text, **binary})


@pytest.mark.parametrize(
    ("token", "grid_id", "code"),
    [
        ("", GRID, 4401),
        ("forged", GRID, 4401),
        ("first", "village-2", 4404),
        ("first", "village 1", 4404),
        ("first", "..", 4404),
    ],
)
async def test_only_those_with_a_token_and_a_role_in_the_grid_may_watch_it(
    connect: Connect, token: str, grid_id: str, code: int
) -> None:
    async with connect(token, grid_id) as client:
        assert await client.closed() == code


async def test_a_grid_may_be_anything_for_those_of_every_grid_but_it_has_to_be_a_name(
    connect: Connect, tokens: Tokens
) -> None:
    tokens.give("everywhere", grants={"*": Role.ADMIN})
    async with connect("everywhere", "village-9") as client:
        assert (await client.receive())["type"] == "snapshot"
    async with connect("everywhere", "a b") as client:
        assert await client.closed() == 4404


@pytest.mark.usefixtures("quick_heartbeats")
async def test_a_token_that_is_revoked_ends_the_connection_at_the_next_heartbeat(
    connect: Connect, tokens: Tokens
) -> None:
    async with connect() as client:
        await client.receive()
        assert (await client.receive())["type"] == "heartbeat"
        del tokens.callers["first"]
        assert await client.closed() == 4401
        assert client.close_reason == "the token is missing or not valid"


@pytest.mark.usefixtures("quick_heartbeats")
async def test_a_role_that_is_taken_away_ends_the_connection(connect: Connect, tokens: Tokens) -> None:
    async with connect() as client:
        await client.receive()
        tokens.give("first", grants={"village-2": Role.ADMIN})
        assert await client.closed() == 4404


@pytest.mark.usefixtures("quick_heartbeats")
async def test_a_token_may_be_replaced_before_it_ends(connect: Connect, tokens: Tokens) -> None:
    async with connect() as client:
        await client.receive()
        tokens.give("second")
        say(client, '{"type": "renew", "token": "second"}')
        while (answer := await client.receive())["type"] == "heartbeat":
            pass
        assert answer == {"type": "renewed", "expires_at": "2026-11-23T10:15:00.000Z"}
        del tokens.callers["first"]
        for _ in range(3):
            assert (await client.receive())["type"] == "heartbeat"


@pytest.mark.parametrize(
    "said",
    [
        '{"type": "renew", "token": "forged"}',
        '{"type": "renew", "token": "of another user"}',
        '{"type": "renew", "token": "of another grid"}',
        '{"type": "renew", "token": 7}',
        '{"type": "renew"}',
    ],
)
async def test_a_token_that_is_no_replacement_changes_nothing(
    connect: Connect, tokens: Tokens, said: str
) -> None:
    tokens.give("of another user", username="juma")
    tokens.give("of another grid", grants={"village-2": Role.VIEWER})
    async with connect() as client:
        await client.receive()
        say(client, said)
        assert await client.receive() == {
            "type": "renewal_refused",
            "expires_at": "2026-11-23T10:15:00.000Z",
        }
        tokens.give("second")
        say(client, '{"type": "renew", "token": "second"}')
        assert (await client.receive())["type"] == "renewed"


@pytest.mark.usefixtures("quick_heartbeats")
async def test_while_logins_cannot_be_looked_up_a_token_counts_until_its_own_end(
    connect: Connect, tokens: Tokens, now: Clock
) -> None:
    async with connect() as client:
        await client.receive()
        tokens.is_away = True
        for _ in range(2):
            assert (await client.receive())["type"] == "heartbeat"
        now.pass_by(timedelta(minutes=15))
        assert await client.closed() == 4401
        assert client.close_reason == "the token has expired"


async def test_nobody_gets_in_while_logins_cannot_be_looked_up(connect: Connect, tokens: Tokens) -> None:
    tokens.is_away = True
    async with connect() as client:
        assert await client.closed() == 1013
        assert client.close_reason == "The store of the logins is away."


@pytest.mark.parametrize(
    "said", ["hello", "[]", '"renew"', '{"type": "renew", "token": "' + "x" * 8_192 + '"}', None]
)
async def test_what_is_no_short_json_object_ends_the_connection(connect: Connect, said: str | None) -> None:
    async with connect() as client:
        await client.receive()
        say(client, said, bytes=b"{}")
        assert await client.closed() == 1008
        assert client.close_reason == "messages are short JSON objects"


async def test_messages_that_this_version_does_not_know_are_passed_over_but_not_many_of_them(
    connect: Connect,
) -> None:
    async with connect() as client:
        await client.receive()
        for _ in range(9):
            say(client, '{"type": "hello"}')
        say(client, '{"type": "renew"}')
        assert (await client.receive())["type"] == "renewal_refused"
        say(client, '{"type": "hello"}')
        assert await client.closed() == 1008
        assert client.close_reason == "too many messages"
