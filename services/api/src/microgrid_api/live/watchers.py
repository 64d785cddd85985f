"""Who is told at once what the feed takes in, by grid."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from microgrid_common.ports.durable_log import Place
from microgrid_common.schemas.alert import AlertEvent
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID


class LiveWatcher(Protocol):
    """Is told about a grid, synchronously."""

    def changed(self) -> None:
        """A value or a device's link may have changed."""

    def alert_came(self, event: AlertEvent, place: Place) -> None:
        """Something happened to an alert of the grid, or of the platform.

        Args:
            event: what.
            place: where that is in the stream of the alerts.
        """

    def alerts_lost(self) -> None:
        """The feed could not follow the alerts without a gap."""


class LiveWatchers:
    """Knows who watches which grid."""

    def __init__(self) -> None:
        self._of_grid: defaultdict[str, list[LiveWatcher]] = defaultdict(list)

    @contextmanager
    def one_more(self, watcher: LiveWatcher, grid_id: str) -> Iterator[None]:
        """Tell a watcher about a grid while the block runs."""
        self._of_grid[grid_id].append(watcher)
        try:
            yield
        finally:
            self._of_grid[grid_id].remove(watcher)
            if not self._of_grid[grid_id]:
                del self._of_grid[grid_id]

    def changed(self, grid_id: str) -> None:
        """Tell those who watch a grid."""
        for watcher in self._of_grid.get(grid_id, ()):
            watcher.changed()

    def alert_came(self, event: AlertEvent, place: Place) -> None:
        """Tell those who watch the alert's grid; of the platform's alerts, everybody."""
        grid_id = event.alert.grid_id
        concerned = self._all() if grid_id == PLATFORM_GRID_ID else self._of_grid.get(grid_id, ())
        for watcher in concerned:
            watcher.alert_came(event, place)

    def alerts_lost(self) -> None:
        """Tell everybody."""
        for watcher in self._all():
            watcher.alerts_lost()

    def _all(self) -> list[LiveWatcher]:
        return [watcher for watchers in self._of_grid.values() for watcher in watchers]
