"""The last change of each device's link, for those who watch."""

from collections import OrderedDict
from itertools import takewhile
from typing import Final

from microgrid_common.schemas.device_link import LinkEvent

DEVICES_KEPT: Final = 10_000
"""Beyond this the change that is the longest ago is forgotten; a client that missed it asks for the list."""


class LiveLinks:
    """Keeps the last change of each device, in their order.

    Args:
        devices_kept: of how many devices.
    """

    def __init__(self, *, devices_kept: int = DEVICES_KEPT) -> None:
        self._changes: OrderedDict[tuple[str, str], tuple[int, LinkEvent]] = OrderedDict()
        self._devices_kept = devices_kept
        self._seen = 0

    @property
    def seen(self) -> int:
        """How many changes have come since the start."""
        return self._seen

    def apply(self, event: LinkEvent) -> None:
        """Take in a change."""
        self._seen += 1
        key = (event.grid_id, event.device_id)
        self._changes[key] = (self._seen, event)
        self._changes.move_to_end(key)
        if len(self._changes) > self._devices_kept:
            self._changes.popitem(last=False)

    def after(self, seen: int, grid_id: str) -> list[LinkEvent]:
        """The last change of each device of a grid of which there was one after the first `seen` ones."""
        newest_first = takewhile(lambda change: change[0] > seen, reversed(self._changes.values()))
        return [event for _, event in newest_first if event.grid_id == grid_id][::-1]
