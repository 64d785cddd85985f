"""The grids that live clients watch at present."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from microgrid_api.live.channel import LiveChannel
from microgrid_api.live.feed import LiveFeed
from microgrid_api.live.snapshots import LiveSnapshots
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.link_store import LinkStore


@dataclass(slots=True)
class WatchedGrid:
    """What the clients of one grid share."""

    channel: LiveChannel
    snapshots: LiveSnapshots
    clients: int = 0
    ends: ExitStack = field(default_factory=ExitStack)


class LiveChannels:
    """Opens the channel of a grid for the first client, and closes it after the last.

    Args:
        feed: where it all comes from.
        records: where the alerts are.
        links: where the devices' links are.
    """

    def __init__(self, feed: LiveFeed, *, records: AlertRecords, links: LinkStore) -> None:
        self._feed = feed
        self._records = records
        self._links = links
        self._watched: dict[str, WatchedGrid] = {}

    @property
    def watched(self) -> list[str]:
        """The grids that have clients."""
        return list(self._watched)

    @contextmanager
    def one_more(self, grid_id: str) -> Iterator[WatchedGrid]:
        """What a client of a grid works with, while the block runs.

        Raises:
            UnavailableError: the log has not been there yet.
        """
        grid = self._watched.get(grid_id) or self._open(grid_id)
        grid.clients += 1
        try:
            yield grid
        finally:
            grid.clients -= 1
            if not grid.clients:
                del self._watched[grid_id]
                grid.ends.close()

    def _open(self, grid_id: str) -> WatchedGrid:
        channel = LiveChannel(self._feed, grid_id)
        grid = WatchedGrid(channel, LiveSnapshots(channel, records=self._records, links=self._links))
        grid.ends.enter_context(self._feed.watchers.one_more(channel, grid_id))
        grid.ends.callback(channel.close)
        grid.ends.callback(grid.snapshots.close)
        self._watched[grid_id] = grid
        return grid
