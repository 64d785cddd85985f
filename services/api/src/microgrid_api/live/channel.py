"""What all live clients of one grid have in common: each message is made once, and all are woken together."""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from microgrid_api.live.cursor import write_cursor
from microgrid_api.live.feed import FellBehindError, LiveFeed
from microgrid_api.live.messages import GridAlertMessage, GridLinks, GridReadings, LinkView, framed
from microgrid_api.live.state import LiveValue
from microgrid_api.views import LiveValueView
from microgrid_api.web.errors import UnavailableError
from microgrid_common.ports.durable_log import Place
from microgrid_common.schemas.alert import AlertEvent

ALERTS_KEPT: Final = 1_000
"""How many alert events may wait for a slow client of a grid."""

PACE: Final = timedelta(milliseconds=100)
"""Clients are woken 10 times a second at most: as quick as an eye, and many readings make one message."""

_SHARE_OF_TIME: Final = 0.5
"""Waking clients takes at most this share of the time, however many there are."""

_WOKEN_AT_ONCE: Final = 50
"""In between other requests get their turn."""


class LiveMessage:
    """A message, and where a client stands that has had it."""

    __slots__ = ("cursor", "kind", "text")

    def __init__(self, kind: str, cursor: str | None, body: str) -> None:
        self.kind = kind
        self.cursor = cursor
        """None for a message after which the cursor before still counts."""
        self.text = framed(kind, cursor, body)


class LiveAlert:
    """An alert event of the grid."""

    __slots__ = ("_event", "_grid_id", "_message", "place")

    def __init__(self, grid_id: str, event: AlertEvent, place: Place) -> None:
        self._grid_id = grid_id
        self._event = event
        self._message: LiveMessage | None = None
        self.place = place

    @property
    def message(self) -> LiveMessage:
        """Made when the first client takes it, once for all."""
        if self._message is None:
            body = GridAlertMessage.of(self._event).model_dump_json()
            self._message = LiveMessage("alert", write_cursor(self._grid_id, self.place), body)
        return self._message


@dataclass(frozen=True, slots=True)
class Frame:
    """The readings and links of a grid at one moment."""

    values: Mapping[str, LiveValue]
    revision: int
    """Of the values."""
    links_seen: int
    """How many changes of links had come."""


class LiveChannel:
    """The feed of one grid for all its clients.

    Args:
        feed: where it all comes from.
        grid_id: the grid.

    Raises:
        UnavailableError: the log has not been there yet.
    """

    def __init__(self, feed: LiveFeed, grid_id: str) -> None:
        place = feed.alert_place
        if place is None:
            raise UnavailableError("The log of live readings is away.")
        self.grid_id = grid_id
        self.feed = feed
        self.losses = 0
        """How often alert events were lost: what was taken before is then of no use."""
        self._alerts: deque[LiveAlert] = deque()
        self._alerts_after = place.number
        self._place = place
        self._frame = self._new_frame()
        self._made: dict[tuple[str, int, str], LiveMessage | None] = {}
        self._next_wake = 0.0
        self._wake_due: asyncio.Handle | None = None
        self._news = False
        self._sleepers: dict[asyncio.Future[None], None] = {}

    @property
    def alerts_after(self) -> int:
        """Every alert event after the one of this number is here, or comes."""
        return self._alerts_after

    @property
    def place(self) -> Place:
        """How far the feed has come in the stream of the alerts."""
        return self.feed.alert_place or self._place

    @property
    def frame(self) -> Frame:
        """The last one that clients were woken for."""
        return self._frame

    def alerts_since(self, number: int) -> list[LiveAlert]:
        """The alert events of the grid after the one of a number.

        Raises:
            FellBehindError: some of them are gone.
        """
        if number < self._alerts_after:
            raise FellBehindError
        if not self._alerts or self._alerts[-1].place.number <= number:
            return []
        return [alert for alert in self._alerts if alert.place.number > number]

    def readings_since(self, revision: int, cursor: str) -> LiveMessage | None:
        """The values of the frame that changed since a revision; None when none did."""
        key = ("reading", revision, cursor)
        if key not in self._made:
            changed = {
                metric: value for metric, value in self._frame.values.items() if value.revision > revision
            }
            body = GridReadings(readings=LiveValueView.of_all(changed)).model_dump_json() if changed else None
            self._made[key] = LiveMessage("reading", cursor, body) if body else None
        return self._made[key]

    def links_since(self, seen: int, cursor: str) -> LiveMessage | None:
        """The links that changed after the first `seen` changes; None when none did."""
        if seen >= self._frame.links_seen:
            return None
        key = ("devices", seen, cursor)
        if key not in self._made:
            events = self.feed.links.after(seen, self.grid_id)
            body = GridLinks(devices=[LinkView.of(event) for event in events]).model_dump_json()
            self._made[key] = LiveMessage("devices", cursor, body) if events else None
        return self._made[key]

    def changed(self) -> None:
        """As `LiveWatcher.changed`."""
        self._wake_soon()

    def alert_came(self, event: AlertEvent, place: Place) -> None:
        """As `LiveWatcher.alert_came`."""
        self._alerts.append(LiveAlert(self.grid_id, event, place))
        if len(self._alerts) > ALERTS_KEPT:
            self._alerts_after = self._alerts.popleft().place.number
        self._wake_soon()

    def alerts_lost(self) -> None:
        """As `LiveWatcher.alerts_lost`."""
        self._alerts.clear()
        self._alerts_after = self.place.number
        self.losses += 1
        self._wake_soon()

    @contextmanager
    def sleeper(self) -> Iterator[asyncio.Future[None]]:
        """What is done when there is something new for those that have taken everything."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = None
        try:
            yield sleeper
        finally:
            self._sleepers.pop(sleeper, None)

    def close(self) -> None:
        """Wake nobody any more."""
        if self._wake_due:
            self._wake_due.cancel()

    def _wake_soon(self) -> None:
        self._news = True
        if self._wake_due is None:
            loop = asyncio.get_running_loop()
            # Not at once: the feed is in the middle of an entry.
            self._wake_due = loop.call_at(max(self._next_wake, loop.time()), self._wake)

    def _wake(self) -> None:
        self._news = False
        self._frame = self._new_frame()
        self._made.clear()
        sleepers, self._sleepers = list(self._sleepers), {}
        self._wake_some(sleepers, asyncio.get_running_loop().time())

    def _wake_some(self, sleepers: list[asyncio.Future[None]], started: float) -> None:
        loop = asyncio.get_running_loop()
        for sleeper in sleepers[-_WOKEN_AT_ONCE:]:
            if not sleeper.done():
                sleeper.set_result(None)
        del sleepers[-_WOKEN_AT_ONCE:]
        if sleepers:
            self._wake_due = loop.call_soon(self._wake_some, sleepers, started)
            return
        self._next_wake = started + max(PACE.total_seconds(), (loop.time() - started) / _SHARE_OF_TIME)
        self._wake_due = None
        if self._news:
            self._wake_soon()

    def _new_frame(self) -> Frame:
        return Frame(self.feed.values(self.grid_id), self.feed.revision, self.feed.links.seen)
