"""A client's place in the feed, as the prototype's live connection has it: without a cursor."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from microgrid_api.live.feed import LiveFeed
from microgrid_api.live.state import LiveValue
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID


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
