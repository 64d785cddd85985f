"""The state of a grid as it is, made once for all clients that ask at about the same time."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from microgrid_api.alarms.alert_views import GridAlertView
from microgrid_api.live.channel import Frame, LiveChannel, LiveMessage
from microgrid_api.live.cursor import write_cursor
from microgrid_api.live.messages import GridSnapshot, GridState, LinkView
from microgrid_api.views import LiveValueView
from microgrid_api.web.errors import UnavailableError, asking
from microgrid_common.ports.alert_records import AlertQuery, AlertRecords
from microgrid_common.ports.durable_log import Place
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.link_store import LinkStore
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID

ALERTS_SHOWN: Final = 200
DEVICES_SHOWN: Final = 1_000

_GOOD_FOR: Final = timedelta(seconds=1)
"""So long it is given to others as well, with what happened since."""

_STORED_VALUES_WITHIN: Final = timedelta(seconds=2)
"""Live values do not wait for longer on a telemetry store that is away."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a grid, and what a client that has it has had."""

    message: LiveMessage
    """The whole state."""
    state: str
    """The readings and links alone, as JSON."""
    place: Place
    """Every alert event up to it is in the alerts."""
    frame: Frame
    """The readings and links are those of this frame."""
    losses: int
    """`LiveChannel.losses` at that time."""
    made_at: float
    """By the event loop's clock."""


class LiveSnapshots:
    """Makes the snapshots of one grid.

    Args:
        channel: the grid's.
        records: where the alerts are.
        links: where the devices' links are.
    """

    def __init__(self, channel: LiveChannel, *, records: AlertRecords, links: LinkStore) -> None:
        self._channel = channel
        self._records = records
        self._links = links
        self._making: asyncio.Task[Snapshot] | None = None

    async def newest(self) -> Snapshot:
        """The state of the grid, at most a second old.

        Raises:
            UnavailableError: a store is away.
        """
        if self._making is None or not self._still_good(self._making):
            self._making = asyncio.create_task(self._make(), name="api-live-snapshot")
            # Whoever asked may have left by the time that it fails.
            self._making.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._making)

    def close(self) -> None:
        """Make none any more."""
        if self._making:
            self._making.cancel()

    def _still_good(self, making: asyncio.Task[Snapshot]) -> bool:
        if not making.done():
            return True
        if making.cancelled() or making.exception():
            return False
        made = making.result()
        channel = self._channel
        young = asyncio.get_running_loop().time() - made.made_at < _GOOD_FOR.total_seconds()
        return young and made.losses == channel.losses and made.place.number >= channel.alerts_after

    async def _make(self) -> Snapshot:
        channel = self._channel
        # The order matters: what happens after the place is known comes as a message of its own, so that
        # it is of no importance whether the stores show it already.
        place, losses, links_seen = channel.place, channel.losses, channel.feed.links.seen
        with suppress(RetryableError, UnavailableError, TimeoutError):
            async with asyncio.timeout(_STORED_VALUES_WITHIN.total_seconds()):
                await channel.feed.seed(channel.grid_id)
        async with asking("alert store"):
            alerts, more_alerts = await self._alerts()
            links = await self._links.of_grid(channel.grid_id)
        frame = Frame(channel.feed.values(channel.grid_id), channel.feed.revision, links_seen)
        state = GridState(
            readings=LiveValueView.of_all(dict(frame.values)),
            devices=[LinkView.of(link) for link in links[:DEVICES_SHOWN]],
            more_devices=len(links) > DEVICES_SHOWN,
        )
        whole = GridSnapshot(
            **dict(state), alerts=[GridAlertView.of(alert) for alert in alerts], more_alerts=more_alerts
        )
        return Snapshot(
            LiveMessage("snapshot", write_cursor(channel.grid_id, place), whole.model_dump_json()),
            state.model_dump_json(),
            place,
            frame,
            losses,
            asyncio.get_running_loop().time(),
        )

    async def _alerts(self) -> tuple[list[Alert], bool]:
        found: list[Alert] = []
        more = False
        for grid_id in dict.fromkeys((self._channel.grid_id, PLATFORM_GRID_ID)):
            query = AlertQuery(grid_id=grid_id, annunciated=True, limit=ALERTS_SHOWN)
            page = await self._records.find(query)
            found += page.alerts
            more = more or page.cursor is not None
        found.sort(key=lambda alert: (alert.raised_at, alert.number), reverse=True)
        return found[:ALERTS_SHOWN], more or len(found) > ALERTS_SHOWN
