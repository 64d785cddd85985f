"""Cuts, trims, restarts and appends in any order: no alert event is missed or told twice, unless a gap is.

Clients go from replica to replica by their cursors. Each checks every message against the history of the log.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_api.live import channel as live_channel
from microgrid_api.live import feed as live
from microgrid_api.live import session as live_session
from microgrid_api.live.channel import LiveMessage
from microgrid_api.live.channels import LiveChannels
from microgrid_api.live.cursor import read_cursor
from microgrid_api.live.feed import FellBehindError, LiveFeed
from microgrid_api.live.session import LiveSession
from microgrid_common.ports.durable_log import Entry
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.streams import ALERTS_STREAM
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record
from microgrid_common.testing.waiting import wait_until

GRID = "village-1"
CLIENTS = 3
REPLICAS = 2
LATER = SAMPLE_TIME + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the alerts stream."""

    grid_id: str
    alert_id: str
    transition: str

    @property
    def concerns_us(self) -> bool:
        return self.grid_id in {GRID, PLATFORM_GRID_ID}


class SleepyFeed(LiveFeed):
    """What it has read it takes in only while it is awake."""

    def __init__(self, log: FakeDurableLog) -> None:
        super().__init__(log=log, telemetry=FakeTelemetryStore(), stream_shards=2)
        self.awake = asyncio.Event()
        self.awake.set()

    async def _read(self, positions: dict[str, str]) -> list[Entry]:
        entries = await super()._read(positions)
        await self.awake.wait()
        return entries


@dataclass(frozen=True, slots=True)
class Replica:
    feed: SleepyFeed
    channels: LiveChannels
    running: asyncio.Task[None]


class World:
    """One log, and the replicas of the API that follow it."""

    def __init__(self) -> None:
        self.log = FakeDurableLog()
        self._states = FakeAlarmStates(self.log)
        self.history: list[Told] = []
        self.replicas: list[Replica] = []
        self._active: dict[str, set[int]] = {GRID: set(), PLATFORM_GRID_ID: set(), "village-2": set()}

    async def start(self) -> None:
        self.replicas.append(await self._new_replica())

    async def restart(self, number: int) -> None:
        self.replicas[number].running.cancel()
        self.replicas[number] = await self._new_replica()

    async def _new_replica(self) -> Replica:
        feed = SleepyFeed(self.log)
        channels = LiveChannels(feed, records=FakeAlertRecords(self._states), links=FakeLinkStore(self.log))
        running = asyncio.create_task(feed.run())
        await wait_until(lambda: feed.alert_place, timeout=5, description="the feed to begin")
        return Replica(feed, channels, running)

    async def happen(self, grid_id: str, *, raises: bool) -> None:
        """An alert is raised, or the oldest one cleared if there is one."""
        active = self._active[grid_id]
        raises = raises or not active
        number = len(self.history) + 1 if raises else min(active)
        (active.add if raises else active.remove)(number)
        alert = sample_record(number=number, grid_id=grid_id, cleared_at=None if raises else LATER)
        self.history.append(Told(grid_id, alert.id, "raised" if raises else "cleared"))
        await put_alerts(self._states, alert)

    def trim(self, count: int) -> None:
        del self.log.streams[ALERTS_STREAM][:count]

    @property
    def shown(self) -> set[str]:
        """The ids of the active alerts that a client of the grid should know."""
        found = {told.alert_id: told.transition for told in self.history if told.concerns_us}
        return {alert_id for alert_id, transition in found.items() if transition == "raised"}

    @property
    def dropped(self) -> int:
        return len(self.history) - len(self.log.streams[ALERTS_STREAM])

    async def stop(self) -> None:
        for replica in self.replicas:
            replica.running.cancel()
        await asyncio.wait([replica.running for replica in self.replicas])


class Client:
    """Believes every message, and complains when it should not have."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cursor: str | None = None
        self._position = 0
        self._may_take = asyncio.Semaphore(0)
        self._connection: asyncio.Task[None] | None = None
        self.shown: set[str] = set()
        self.gaps = 0

    @property
    def is_up_to_date(self) -> bool:
        return self._connection is not None and not any(
            told.concerns_us for told in self._world.history[self._position :]
        )

    def take(self, count: int) -> None:
        for _ in range(count):
            self._may_take.release()

    async def connect(self, replica: int) -> None:
        await self.cut()
        self._connection = asyncio.create_task(self._listen(self._world.replicas[replica].channels))

    async def cut(self) -> None:
        if self._connection:
            self._connection.cancel()
            await asyncio.wait([self._connection])
            if not self._connection.cancelled():
                self._connection.result()
            self._connection = None

    async def _listen(self, replica: LiveChannels) -> None:
        while True:
            # A client that is too slow is sent away, and comes back.
            with replica.one_more(GRID) as grid, suppress(FellBehindError):
                session = LiveSession(
                    grid, self._world.log, cursor=self._cursor, heartbeat_every=timedelta(milliseconds=5)
                )
                async for message in session.messages():
                    await self._may_take.acquire()
                    self._hear(message)

    def _hear(self, message: LiveMessage) -> None:
        said = json.loads(message.text)
        place = read_cursor(message.cursor, GRID).number if message.cursor else None
        match said["type"]:
            case "snapshot":
                self.shown = {alert["id"] for alert in said["alerts"]}
                self._position = place or 0
            case "resumed":
                assert message.cursor == self._cursor
            case "gap":
                assert self._world.dropped > 0, "a gap without any loss"
                self.gaps += 1
            case "alert":
                self._hear_alert(said, place)
            case "heartbeat":
                passed = self._world.history[self._position : place]
                assert not any(told.concerns_us for told in passed), "a heartbeat passed over an alert"
                self._position = max(self._position, place or 0)
        self._cursor = message.cursor or self._cursor

    def _hear_alert(self, said: dict[str, Any], place: int | None) -> None:
        missed = enumerate(self._world.history[self._position :], self._position + 1)
        ours = [(number, told) for number, told in missed if told.concerns_us]
        assert ours, "an alert event that is not new"
        number, told = ours[0]
        assert (said["alert"]["id"], said["transition"], place) == (told.alert_id, told.transition, number)
        self._position = number
        (self.shown.add if told.transition == "raised" else self.shown.discard)(told.alert_id)


_WHO = st.integers(0, CLIENTS - 1)
_WHERE = st.integers(0, REPLICAS - 1)
_STEPS = st.one_of(
    st.tuples(st.just("happen"), st.sampled_from([GRID, GRID, "village-2", PLATFORM_GRID_ID]), st.booleans()),
    st.tuples(st.just("take"), _WHO, st.integers(1, 8)),
    st.tuples(st.just("turns"), st.integers(1, 40), st.none()),
    st.tuples(st.just("cut"), _WHO, st.none()),
    st.tuples(st.just("connect"), _WHO, _WHERE),
    st.tuples(st.just("trim"), st.integers(1, 6), st.none()),
    st.tuples(st.just("restart"), _WHERE, st.none()),
    st.tuples(st.just("doze"), _WHERE, st.none()),
    st.tuples(st.just("wake"), _WHERE, st.none()),
)


@asynccontextmanager
async def clients_of(world: World) -> AsyncIterator[list[Client]]:
    for _ in range(REPLICAS):
        await world.start()
    clients = [Client(world) for _ in range(CLIENTS)]
    for client in clients:
        await client.connect(0)
    yield clients
    for client in clients:
        await client.cut()
    await world.stop()


async def play(steps: Sequence[tuple[str, Any, Any]]) -> None:
    world = World()
    async with clients_of(world) as clients:
        for step in steps:
            await take_step(world, clients, *step)
        for replica in world.replicas:
            replica.feed.awake.set()
        for client in clients:
            await client.connect(0)
            client.take(10_000)
        await wait_until(
            lambda: all(client.is_up_to_date for client in clients),
            timeout=5,
            description="all clients to have heard everything",
        )
        for client in clients:
            assert client.shown == world.shown


async def take_step(world: World, clients: list[Client], what: str, first: Any, second: Any) -> None:
    match what:
        case "take":
            clients[first].take(second)
        case "cut":
            await clients[first].cut()
        case "connect":
            await clients[first].connect(second)
        case "turns":
            for _ in range(first):
                await asyncio.sleep(0)
        case "restart":
            for client in clients:
                await client.cut()
            await world.restart(first)
        case _:
            await let_happen(world, what, first, second)


async def let_happen(world: World, what: str, first: Any, second: Any) -> None:
    match what:
        case "happen":
            await world.happen(first, raises=second)
        case "trim":
            world.trim(first)
        case "doze":
            world.replicas[first].feed.awake.clear()
        case "wake":
            world.replicas[first].feed.awake.set()


@settings(max_examples=40, deadline=None)
@given(st.lists(_STEPS, max_size=40))
def test_every_client_hears_every_alert_event_once_and_in_order_unless_it_is_told_of_a_gap(
    steps: list[tuple[str, Any, Any]],
) -> None:
    with (
        patch.object(live_channel, "PACE", timedelta()),
        patch.object(live_channel, "ALERTS_KEPT", 4),
        patch.object(live_session, "EVENTS_PER_READ", 2),
        patch.object(live, "_ENTRIES_PER_READ", 3),
        patch.object(live, "_WAIT", timedelta(milliseconds=5)),
    ):
        asyncio.run(play(steps))
