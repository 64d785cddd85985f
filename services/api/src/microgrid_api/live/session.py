"""One client's way through the live messages of a grid, whatever they are sent over."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Final

import structlog

from microgrid_api.live.channel import Frame, LiveAlert, LiveMessage
from microgrid_api.live.channels import WatchedGrid
from microgrid_api.live.cursor import BadCursorError, ForeignCursorError, read_cursor, time_of, write_cursor
from microgrid_api.live.messages import GapMessage, GapReason, GridHeartbeat
from microgrid_api.web.errors import asking
from microgrid_common.ports.durable_log import DurableLog, Entry, Place, PlaceGoneError
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM

EVENTS_PER_READ: Final = 200
"""Alert events that a client missed are read from the log so many at a time."""


class LiveSession:
    """Where one client stands. Each message is made when the client has taken the one before.

    Args:
        grid: what the grid's clients share; for as long as this session lasts.
        log: where missed alert events are.
        cursor: of the last message that the client has had; None for a new client.
        heartbeat_every: how often a heartbeat comes.
    """

    def __init__(
        self, grid: WatchedGrid, log: DurableLog, *, cursor: str | None, heartbeat_every: timedelta
    ) -> None:
        self._grid = grid
        self._channel = grid.channel
        self._grid_id = grid.channel.grid_id
        self._grids_named = (self._grid_id.encode(), PLATFORM_GRID_ID.encode())
        self._log = log
        self._cursor = cursor
        self._heartbeat_every = heartbeat_every.total_seconds()
        self._place = grid.channel.place
        self._revision = 0
        self._links_seen = 0
        self._losses = 0
        self._catches_up = False
        self._answers: deque[LiveMessage] = deque()
        self._sleeper: asyncio.Future[None] | None = None

    def say(self, message: LiveMessage) -> None:
        """Send a message to this client alone, before all others."""
        self._answers.append(message)
        if self._sleeper and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def messages(self) -> AsyncGenerator[LiveMessage]:
        """Everything for this client, for ever.

        Raises:
            FellBehindError: it takes so little that alert events it has not had are gone from here; with
                its cursor it can get them from the log.
            UnavailableError: a store that is needed for the beginning is away.
        """
        for message in await self._opening():
            yield message
        while self._catches_up:
            for message in await self._missed():
                yield message
        loop = asyncio.get_running_loop()
        # The first one at any time: after a restart all clients come at once, and each heartbeat asks for
        # the client's login.
        heartbeat_due = loop.time() + random.uniform(0, self._heartbeat_every)  # noqa: S311
        while True:
            for message in await self._first_of_all():
                yield message
            for alert in self._take_alerts():
                yield alert.message
            for changes in self._take_frame():
                yield changes
            if loop.time() >= heartbeat_due:
                yield self._heartbeat()
                heartbeat_due = loop.time() + self._heartbeat_every
            await self._until_news(heartbeat_due)

    async def _first_of_all(self) -> list[LiveMessage]:
        answers = list(self._answers)
        self._answers.clear()
        if self._losses != self._channel.losses:
            answers += await self._gap(GapReason.TRIMMED, time_of(self._place))
        return answers

    async def _opening(self) -> list[LiveMessage]:
        if self._cursor is None:
            return [await self._snapshot()]
        try:
            place = read_cursor(self._cursor, self._grid_id)
        except BadCursorError:
            return await self._gap(GapReason.MALFORMED, None)
        except ForeignCursorError:
            return await self._gap(GapReason.FOREIGN, None)
        return await self._resumed(place)

    async def _resumed(self, place: Place) -> list[LiveMessage]:
        self._place = place
        # Taken before the log is read: what is lost from now on is noticed later.
        self._losses = self._channel.losses
        try:
            # One entry, to see whether the place is good: the rest is read while the client takes it.
            await self._read_on(count=1)
        except PlaceGoneError:
            return await self._gap(GapReason.TRIMMED, time_of(place))
        snapshot = await self._grid.snapshots.newest()
        self._stand_at(snapshot.frame)
        self._catches_up = True
        return [LiveMessage("resumed", write_cursor(self._grid_id, place), snapshot.state)]

    async def _missed(self) -> list[LiveMessage]:
        """The next alert events that the client missed, until the channel has all that follow."""
        try:
            entries = await self._read_on(count=EVENTS_PER_READ)
        except PlaceGoneError:
            return await self._gap(GapReason.TRIMMED, time_of(self._place))
        if not entries and self._place.number < self._channel.alerts_after:
            # The feed has come further, in a log that is gone.
            return await self._gap(GapReason.TRIMMED, time_of(self._place))
        messages = []
        for entry in entries:
            self._place = self._place.next(entry)
            if event := self._event_of(entry):
                messages.append(LiveAlert(self._grid_id, event, self._place).message)
        self._catches_up = self._place.number < self._channel.alerts_after
        return messages

    async def _gap(self, reason: GapReason, since: datetime | None) -> list[LiveMessage]:
        self._catches_up = False
        gap = GapMessage.about(self._grid_id, reason, since).model_dump_json()
        # Without a cursor: whoever is cut off between the two must not go on as if it had the snapshot.
        return [LiveMessage("gap", None, gap), await self._snapshot()]

    async def _snapshot(self) -> LiveMessage:
        snapshot = await self._grid.snapshots.newest()
        self._place = snapshot.place
        self._losses = snapshot.losses
        self._stand_at(snapshot.frame)
        return snapshot.message

    async def _read_on(self, *, count: int) -> list[Entry]:
        async with asking("log of the alerts"):
            return await self._log.read_on(ALERTS_STREAM, self._place, count=count)

    def _event_of(self, entry: Entry) -> AlertEvent | None:
        # Most events are of other grids: not worth reading whole, a thousand times after a restart.
        if entry.kind != ALERT_EVENT_KIND or not any(name in entry.data for name in self._grids_named):
            return None
        try:
            event = AlertEvent.model_validate_json(entry.data)
        except ValueError as error:
            structlog.get_logger().warning("live_entry_skipped", id=entry.id, problem=str(error)[:200])
            return None
        return event if event.alert.grid_id.encode() in self._grids_named else None

    def _stand_at(self, frame: Frame) -> None:
        self._revision = frame.revision
        self._links_seen = frame.links_seen

    def _take_alerts(self) -> list[LiveAlert]:
        alerts = self._channel.alerts_since(self._place.number)
        if self._channel.place.number > self._place.number:
            self._place = self._channel.place
        return alerts

    def _take_frame(self) -> list[LiveMessage]:
        frame = self._channel.frame
        # A snapshot may be newer than the last frame.
        if frame.revision <= self._revision and frame.links_seen <= self._links_seen:
            return []
        cursor = write_cursor(self._grid_id, self._place)
        links = self._channel.links_since(self._links_seen, cursor)
        readings = self._channel.readings_since(self._revision, cursor)
        self._revision = max(frame.revision, self._revision)
        self._links_seen = max(frame.links_seen, self._links_seen)
        return [message for message in (links, readings) if message]

    def _heartbeat(self) -> LiveMessage:
        body = GridHeartbeat(connected=self._channel.feed.connected).model_dump_json()
        return LiveMessage("heartbeat", write_cursor(self._grid_id, self._place), body)

    async def _until_news(self, heartbeat_due: float) -> None:
        with self._channel.sleeper() as self._sleeper:
            if self._has_news():
                return
            try:
                async with asyncio.timeout_at(heartbeat_due):
                    await self._sleeper
            except TimeoutError:
                pass

    def _has_news(self) -> bool:
        channel = self._channel
        return bool(
            self._answers
            or self._losses != channel.losses
            or channel.place.number > self._place.number
            or channel.frame.revision > self._revision
            or channel.frame.links_seen > self._links_seen
        )
