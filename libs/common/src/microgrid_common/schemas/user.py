"""Those who use the system, and what they may do where."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

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

USERNAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._@+-]{0,63}$"
"""Lower case: two users whose names differ in case alone would be taken for each other."""

MOST_GRANTS: Final = 1_000

Username = Annotated[str, StringConstraints(pattern=USERNAME_PATTERN)]
GrantsOfUser = Annotated[
    dict[Annotated[str, StringConstraints(pattern=r"^(\*|[A-Za-z0-9_-]{1,64})$")], Role],
    Field(max_length=MOST_GRANTS),
]


class User(BaseModel):
    """Somebody whom this system itself knows, by a password."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    username: Username
    name: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]
    """As others are shown it."""
    grants: GrantsOfUser = {}
    """Grid id, or `EVERY_GRID`, to the role there; with none, nothing can be seen."""
    disabled: bool = False
    """Cannot log in."""
    version: Annotated[int, Field(ge=1)] = 1
    """Grows by one with every change."""
    created_at: AwareDatetime
    password_changed_at: AwareDatetime

    def changed(self, **fields: Any) -> Self:
        """The next version of it, with some fields changed, validated as ever."""
        return self.model_validate({**self.model_dump(), **fields, "version": self.version + 1})
