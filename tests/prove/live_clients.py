"""Live clients that believe what they hear, are cut off at any time, and come back by their last cursor."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

import aiohttp
from tests.prove.live_checks import ClientEvidence, Heard
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from microgrid_api.live.cursor import read_cursor

_TOKEN: Final = {"Authorization": "Bearer prototype_token"}
_AWAY_SECONDS: Final = (0.0, 0.3)
_CONNECT_SECONDS: Final = 5.0
_LOST = (OSError, WebSocketException, aiohttp.ClientError, TimeoutError, EOFError)


class LiveClient:
    """One client, over WebSockets or server-sent events.

    Args:
        name: for people.
        grid_id: what it watches.
        ports: of the replicas of the API; it connects to any.
        dropped: how many entries may have been dropped from the alerts stream so far.
        random: decides where it connects, and how long it stays away.
        by_events: whether it uses server-sent events.
    """

    def __init__(
        self,
        name: str,
        grid_id: str,
        *,
        ports: Sequence[int],
        dropped: Callable[[], int],
        random: Random,
        by_events: bool,
    ) -> None:
        self.name = name
        self.may_connect = asyncio.Event()
        self.may_connect.set()
        self.slept = False
        self._grid_id = grid_id
        self._ports = ports
        self._dropped = dropped
        self._random = random
        self._by_events = by_events
        self._abort: Callable[[], None] | None = None
        self._cursor: str | None = None
        self._heard: list[Heard] = []
        self._cuts = 0
        self._alerts: set[str] = set()
        self._readings: dict[str, float] = {}

    async def run(self) -> None:
        """Be connected, again and again, until cancelled."""
        while True:
            await self.may_connect.wait()
            try:
                async with self._connection() as messages:
                    async for message in messages:
                        self._hear(json.loads(message))
            except _LOST:
                pass
            finally:
                self._abort = None
            await asyncio.sleep(self._random.uniform(*_AWAY_SECONDS))

    def cut(self) -> bool:
        """End the connection without a word; False when there is none."""
        if self._abort is None:
            return False
        self._abort()
        self._abort = None
        self._cuts += 1
        return True

    def evidence(self) -> ClientEvidence:
        """What it heard so far, and believes."""
        return ClientEvidence(
            name=self.name,
            heard=tuple(self._heard),
            cuts=self._cuts,
            slept=self.slept,
            alerts=frozenset(self._alerts),
            readings=dict(self._readings),
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncIterator[str | bytes]]:
        address = f"127.0.0.1:{self._random.choice(self._ports)}/api/live/{self._grid_id}"
        if self._by_events:
            headers = _TOKEN | ({"Last-Event-ID": self._cursor} if self._cursor else {})
            endless = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=endless, read_bufsize=2**20) as http,
                http.get(f"http://{address}/events", headers=headers, raise_for_status=True) as answer,
            ):
                self._abort = answer.close
                yield _data_of(answer.content)
            return
        query = f"?cursor={self._cursor}" if self._cursor else ""
        async with connect(
            f"ws://{address}{query}",
            additional_headers=_TOKEN,
            open_timeout=_CONNECT_SECONDS,
            close_timeout=1,
            compression=None,
        ) as socket:
            self._abort = socket.transport.abort
            yield aiter(socket)

    def _hear(self, message: dict[str, Any]) -> None:
        cursor = message.get("cursor")
        number = read_cursor(cursor, self._grid_id).number if cursor else None
        kind = message["type"]
        if kind == "alert":
            alert_id, transition = message["alert"]["id"], message["transition"]
            (self._alerts.add if transition == "raised" else self._alerts.discard)(alert_id)
            self._heard.append(Heard(kind, number, alert_id, transition))
        elif kind == "gap":
            self._heard.append(Heard(kind, number, dropped=self._dropped()))
        else:
            self._heard.append(Heard(kind, number))
        if kind == "snapshot":
            self._alerts = {alert["id"] for alert in message["alerts"]}
            self._readings = {}
        for metric, value in message.get("readings", {}).items():
            self._readings[metric] = value["value"]
        # Last: whoever is cut off before has not had the message.
        self._cursor = cursor or self._cursor


async def _data_of(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    async for line in stream:
        if line.startswith(b"data: "):
            yield line.removeprefix(b"data: ")
