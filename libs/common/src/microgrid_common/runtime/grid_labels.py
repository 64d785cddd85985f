"""Grids as labels of figures: no more of them than Prometheus can bear."""

from typing import Final

MOST_GRIDS: Final = 200
"""Whoever may publish can make up grids, and each label value costs Prometheus memory for as long as it
keeps data."""

OTHER_GRIDS: Final = "~others"
"""No grid can be called so: an identifier has no `~`."""


class GridLabels:
    """Gives the first grids that it meets their own label, and all later ones one together.

    Args:
        most: how many grids have a label of their own.
    """

    def __init__(self, *, most: int = MOST_GRIDS) -> None:
        self._most = most
        self._known: dict[str, None] = {}

    def of(self, grid_id: str) -> str:
        """The label of a grid."""
        if grid_id in self._known:
            return grid_id
        if len(self._known) >= self._most:
            return OTHER_GRIDS
        self._known[grid_id] = None
        return grid_id
