"""The live feed: follows the durable log, keeps the newest values, and wakes those who watch."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog

from microgrid_api.live_links import LiveLinks
from microgrid_api.live_state import LiveState, LiveValue
from microgrid_common.ports.durable_log import DurableLog, Entry
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID, PLATFORM_GRID_ID
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import (
    ALERT_EVENT_KIND,
    ALERTS_STREAM,
    LINK_KIND,
    READINGS_KIND,
    readings_streams,
)

LIVE_WINDOW: Final = timedelta(hours=24)
"""An older value is history, not live."""

ALERT_EVENTS_KEPT: Final = 1_000
"""How far a client may fall behind in alerts; one that falls further is told to connect anew."""

_LOOK_BACK: Final = timedelta(seconds=10)
"""Readings this recent are read from the log also at the start: the historian may not have stored them
yet, and only the log knows when a prototype reading arrived."""

_ENTRIES_PER_READ: Final = 64
_WAIT: Final = timedelta(seconds=1)


class FellBehindError(Exception):
    """Alert events were dropped before this client took them."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed in a grid since a subscription looked last."""

    values: dict[str, LiveValue]
    """Metric → its newest value, where that changed; values in between are left out."""
    alert_events: list[AlertEvent]
    """Every alert event, in order."""
    link_events: list[LinkEvent]
    """The last change of each device's link, where there was one; those in between are left out."""

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.values or self.alert_events or self.link_events)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LiveFeed:
    """Keeps the newest values of all grids and the last alert events.

    Args:
        log: what it follows.
        telemetry: what it starts from.
        stream_shards: into how many streams the readings are divided.
        alert_events_kept: how many alert events wait for slow clients.
        now: the present, aware, in UTC.
    """

    def __init__(
        self,
        *,
        log: DurableLog,
        telemetry: TelemetryStore,
        stream_shards: int,
        alert_events_kept: int = ALERT_EVENTS_KEPT,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._log = log
        self._telemetry = telemetry
        self._streams = [*readings_streams(stream_shards), ALERTS_STREAM]
        self._now = now
        self._state = LiveState()
        self._alert_events: deque[AlertEvent] = deque(maxlen=alert_events_kept)
        self._alert_events_seen = 0
        self.links = LiveLinks()
        """The last changes of devices' links."""
        self._changed = asyncio.Event()
        self._connected = False
        self._seeded = False

    @property
    def connected(self) -> bool:
        """Whether readings arrive as they come: the last read of the log worked."""
        return self._connected

    @property
    def seeded(self) -> bool:
        """Whether what was stored before the start is known."""
        return self._seeded

    @property
    def revision(self) -> int:
        """The revision of the values."""
        return self._state.revision

    @property
    def alert_events_seen(self) -> int:
        """How many alert events have come since the start."""
        return self._alert_events_seen

    def values(self, grid_id: str, *, after_revision: int = 0) -> dict[str, LiveValue]:
        """The newest values of a grid that are not older than `LIVE_WINDOW`, by canonical metric name."""
        return self._state.values(grid_id, since=self._now() - LIVE_WINDOW, after_revision=after_revision)

    def alert_events_after(self, seen: int) -> list[AlertEvent]:
        """The alert events after the first `seen` ones.

        Raises:
            FellBehindError: some of them are gone.
        """
        missed = self._alert_events_seen - seen
        if missed > len(self._alert_events):
            raise FellBehindError
        return list(self._alert_events)[len(self._alert_events) - missed :]

    async def wait_for_change(self) -> None:
        """Wait until a value or an alert has come."""
        await self._changed.wait()

    async def run(self) -> None:
        """Follow the log until cancelled; while it is away, try again with backoff."""
        # The order matters. What arrives after the positions are known is read from the log; what arrived
        # before is in the store. Taken the other way round, a reading in between would be in neither.
        known_at = self._now()
        positions = await until_it_works(self._start_positions, dependency="durable_log")
        async with asyncio.TaskGroup() as group:
            # Beside the log, not before it: a slow store must not hold up what arrives now.
            group.create_task(self._seed(known_at), name="api-live-seed")
            group.create_task(self._follow(positions), name="api-live-follow")

    async def _start_positions(self) -> dict[str, str]:
        with _refusals_may_pass():
            last = {stream: await self._log.last_id(stream) for stream in self._streams}
        self._connected = True
        return {
            stream: position if stream == ALERTS_STREAM else _position_before(position, _LOOK_BACK)
            for stream, position in last.items()
        }

    async def _seed(self, known_at: datetime) -> None:
        await until_it_works(partial(self._take_stored, known_at), dependency="telemetry_store")
        self._seeded = True
        self._announce()

    async def _take_stored(self, known_at: datetime) -> None:
        with _refusals_may_pass():
            points = await self._telemetry.latest(DEFAULT_GRID_ID, since=known_at - LIVE_WINDOW)
        self._state.seed(DEFAULT_GRID_ID, points, known_at=known_at)

    async def _follow(self, positions: dict[str, str]) -> None:
        while True:
            for entry in await until_it_works(partial(self._read, positions), dependency="durable_log"):
                self._take(entry)
                positions[entry.stream] = entry.id
                self._announce()
                # An entry may carry hundreds of readings: let requests in between two of them.
                await asyncio.sleep(0)

    async def _read(self, positions: dict[str, str]) -> list[Entry]:
        try:
            with _refusals_may_pass():
                # Without waiting while it was away, to know at once that it is back.
                wait = _WAIT if self._connected else timedelta()
                entries = await self._log.read_after(positions, count=_ENTRIES_PER_READ, wait=wait)
        except RetryableError:
            self._connected = False
            raise
        self._connected = True
        return entries

    def _take(self, entry: Entry) -> None:
        try:
            if entry.kind == READINGS_KIND:
                for reading in decode_readings(entry.data):
                    self._state.apply(reading)
            elif entry.kind == ALERT_EVENT_KIND:
                self._alert_events.append(AlertEvent.model_validate_json(entry.data))
                self._alert_events_seen += 1
            elif entry.kind == LINK_KIND:
                self.links.apply(LinkEvent.model_validate_json(entry.data))
            # A device's notice reaches operators as the alert that the engine makes of it.
        except ValueError as error:
            structlog.get_logger().warning(
                "live_entry_skipped", stream=entry.stream, id=entry.id, problem=str(error)[:200]
            )

    def _announce(self) -> None:
        # A new event for the next change: whoever waits on this one is woken exactly once by it.
        self._changed.set()
        self._changed = asyncio.Event()


class LiveSubscription:
    """One client's place in the feed of one grid, and of what concerns the platform.

    It holds no queue of its own, only how far the client has come: readings coalesce to the latest value,
    and a client that is slow costs the others nothing.
    """

    def __init__(self, feed: LiveFeed, grid_id: str) -> None:
        self._feed = feed
        self._grid_id = grid_id
        self._revision = 0
        self._alert_events_seen = feed.alert_events_seen
        self._links_seen = feed.links.seen

    def take(self) -> Delta:
        """What changed since the last call; at first all values, and the alert events since the start.

        Raises:
            FellBehindError: alert events were dropped before they were taken.
        """
        events = self._feed.alert_events_after(self._alert_events_seen)
        values = self._feed.values(self._grid_id, after_revision=self._revision)
        links = self._feed.links.after(self._links_seen, self._grid_id)
        self._alert_events_seen = self._feed.alert_events_seen
        self._links_seen = self._feed.links.seen
        self._revision = self._feed.revision
        grids = (self._grid_id, PLATFORM_GRID_ID)
        return Delta(values, [event for event in events if event.alert.grid_id in grids], links)

    async def next(self, *, within: timedelta) -> Delta | None:
        """Wait for a change; None when there was none `within` this time.

        Raises:
            FellBehindError: as `take`.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                while (delta := self.take()).empty:
                    await self._feed.wait_for_change()
        except TimeoutError:
            return None
        return delta


@contextmanager
def _refusals_may_pass() -> Iterator[None]:
    # A store that refuses us (a wrong token, a bucket that is not there yet) is mended by an operator, who
    # should not have to start the API again as well.
    try:
        yield
    except PermanentError as error:
        raise RetryableError(str(error)) from error


def _position_before(position: str, span: timedelta) -> str:
    milliseconds = int(position.partition("-")[0]) - int(span / timedelta(milliseconds=1))
    return f"{max(0, milliseconds)}-0"
