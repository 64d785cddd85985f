"""Those who use the system, and what they may do where."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

EVERY_GRID: Final = "*"
"""In place of a grid's id: the role holds in all grids, and for what belongs to none, such as users."""


class Role(StrEnum):
    """What somebody may do in a grid; each role may do all that the one before it may."""

    VIEWER = "viewer"
    """Sees."""
    COMMUNITY_OPERATOR = "community_operator"
    """Handles alarms."""
    TECHNICIAN = "technician"
    """Handles devices: commands, maintenance."""
    ADMIN = "admin"
    """Handles rules, the grid's own data, and, in every grid, users."""

    def includes(self, other: "Role") -> bool:
        """Whether one with this role may do what one with the `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


Grants = Mapping[str, Role]
"""Grid id, or `EVERY_GRID`, to the role there."""
