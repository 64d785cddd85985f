"""The live feed: follows the durable log, keeps the newest values, and wakes those who watch."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

import structlog

from microgrid_api.live.flows import LiveFlows
from microgrid_api.live.links import LiveLinks
from microgrid_api.live.state import GRIDS_KEPT, LiveState, LiveValue
from microgrid_api.live.watchers import LiveWatchers
from microgrid_common.ports.durable_log import DurableLog, Entry, Place, PlaceGoneError
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
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

_LONGEST_TURN: Final = timedelta(milliseconds=5)
"""Many entries, or some of hundreds of readings, must not keep requests waiting for longer."""

_WAIT: Final = timedelta(seconds=1)
"""So often at least it looks whether alert events were dropped before it came to read them."""


class FellBehindError(Exception):
    """Alert events were dropped before this client took them."""


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
        self._readings_streams = readings_streams(stream_shards)
        self._now = now
        self._state = LiveState()
        self.flows = LiveFlows()
        """The powers of each device."""
        self._alert_events: deque[AlertEvent] = deque(maxlen=alert_events_kept)
        self._alert_events_seen = 0
        self.links = LiveLinks()
        """The last changes of devices' links."""
        self._changed = asyncio.Event()
        self._connected = False
        self._known_at: datetime | None = None
        self._seeded: set[str] = set()
        self._alert_place: Place | None = None
        self._alerts_due = 0.0
        self.watchers = LiveWatchers()
        """Who is told about a grid at once."""

    @property
    def connected(self) -> bool:
        """Whether readings arrive as they come: the last read of the log worked."""
        return self._connected

    @property
    def seeded(self) -> bool:
        """Whether what was stored of the default grid before the start is known."""
        return DEFAULT_GRID_ID in self._seeded

    @property
    def revision(self) -> int:
        """The revision of the values."""
        return self._state.revision

    @property
    def alert_events_seen(self) -> int:
        """How many alert events have come since the start."""
        return self._alert_events_seen

    @property
    def alert_place(self) -> Place | None:
        """How far it has come in the stream of the alerts; None before it could ask for the first time."""
        return self._alert_place

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
        self._known_at = self._now()
        positions = await until_it_works(self._start_positions, dependency="durable_log")
        async with asyncio.TaskGroup() as group:
            # Beside the log, not before it: a slow store must not hold up what arrives now.
            group.create_task(self._seed_default(), name="api-live-seed")
            group.create_task(self._follow(positions), name="api-live-follow")

    async def seed(self, grid_id: str) -> None:
        """Take in what was stored of a grid before the start, unless that is known.

        Raises:
            RetryableError: the telemetry store is away.
        """
        if self._known_at is None or grid_id in self._seeded:
            return
        with _refusals_may_pass():
            points = await self._telemetry.latest(grid_id, since=self._known_at - LIVE_WINDOW)
        # A grid that nobody knows must not push one out that has values.
        if points:
            self._state.seed(grid_id, points, known_at=self._known_at)
            self.watchers.changed(grid_id)
        if len(self._seeded) < GRIDS_KEPT:
            self._seeded.add(grid_id)

    async def _seed_default(self) -> None:
        await until_it_works(partial(self.seed, DEFAULT_GRID_ID), dependency="telemetry_store")
        self._announce()

    async def _start_positions(self) -> dict[str, str]:
        with _refusals_may_pass():
            positions = {
                stream: _position_before(await self._log.last_id(stream), _LOOK_BACK)
                for stream in self._readings_streams
            }
            self._alert_place = await self._log.newest_place(ALERTS_STREAM)
        self._connected = True
        return positions

    async def _follow(self, positions: dict[str, str]) -> None:
        while True:
            entries = await until_it_works(partial(self._read, positions), dependency="durable_log")
            turn_ends = monotonic() + _LONGEST_TURN.total_seconds()
            for entry in entries:
                self._take(entry)
                if entry.stream != ALERTS_STREAM:
                    positions[entry.stream] = entry.id
                if monotonic() >= turn_ends:
                    await self._let_others_in()
                    turn_ends = monotonic() + _LONGEST_TURN.total_seconds()
            await self._let_others_in()

    async def _let_others_in(self) -> None:
        self._announce()
        await asyncio.sleep(0)

    async def _read(self, positions: dict[str, str]) -> list[Entry]:
        assert self._alert_place is not None  # noqa: S101 - `_start_positions` has been
        try:
            with _refusals_may_pass():
                # Without waiting while it was away, to know at once that it is back.
                wait = _WAIT if self._connected else timedelta()
                everywhere = positions | {ALERTS_STREAM: self._alert_place.id}
                entries = await self._log.read_after(everywhere, count=_ENTRIES_PER_READ, wait=wait)
                news = any(entry.stream == ALERTS_STREAM for entry in entries)
                if news or monotonic() >= self._alerts_due:
                    others = [entry for entry in entries if entry.stream != ALERTS_STREAM]
                    entries = [*await self._read_alerts(self._alert_place), *others]
                    self._alerts_due = monotonic() + _WAIT.total_seconds()
        except RetryableError:
            self._connected = False
            raise
        self._connected = True
        return entries

    async def _read_alerts(self, place: Place) -> list[Entry]:
        # A second time, from a place: that tells when some were dropped before we came to read them.
        try:
            return await self._log.read_on(ALERTS_STREAM, place, count=_ENTRIES_PER_READ)
        except PlaceGoneError:
            structlog.get_logger().warning("live_alerts_lost", after=place.id)
            self._alert_place = await self._log.newest_place(ALERTS_STREAM)
            # Whoever waits for events that were lost finds that it fell behind.
            self._alert_events.clear()
            self._alert_events_seen += 1
            self.watchers.alerts_lost()
            return []

    def _take(self, entry: Entry) -> None:
        try:
            if entry.kind == READINGS_KIND:
                self._take_readings(entry.data)
            elif entry.stream == ALERTS_STREAM:
                self._take_alert(entry)
            elif entry.kind == LINK_KIND:
                event = LinkEvent.model_validate_json(entry.data)
                self.links.apply(event)
                self.watchers.changed(event.grid_id)
            # A device's notice reaches operators as the alert that the engine makes of it.
        except ValueError as error:
            structlog.get_logger().warning(
                "live_entry_skipped", stream=entry.stream, id=entry.id, problem=str(error)[:200]
            )

    def _take_readings(self, data: bytes) -> None:
        for reading in decode_readings(data):
            self._state.apply(reading)
            self.flows.apply(reading)
            self.watchers.changed(reading.grid_id)

    def _take_alert(self, entry: Entry) -> None:
        assert self._alert_place is not None  # noqa: S101 - `_start_positions` has been
        self._alert_place = self._alert_place.next(entry)
        if entry.kind != ALERT_EVENT_KIND:
            return
        event = AlertEvent.model_validate_json(entry.data)
        self._alert_events.append(event)
        self._alert_events_seen += 1
        self.watchers.alert_came(event, self._alert_place)

    def _announce(self) -> None:
        # A new event for the next change: whoever waits on this one is woken exactly once by it.
        self._changed.set()
        self._changed = asyncio.Event()


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
