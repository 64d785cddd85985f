"""What the groups of a user pool allow."""

from collections.abc import Iterable
from typing import Final

from microgrid_common.schemas.identifiers import is_identifier
from microgrid_common.schemas.user import EVERY_GRID, Grants, Role

_ROLES: Final = {role.value: role for role in Role}


def grants_of(groups: Iterable[str]) -> Grants:
    """The grants of somebody in these groups.

    A group is called `{role}` for that role in every grid, or `{role}:{grid_id}`; groups with other names
    mean nothing here. Of several roles in one grid the highest counts.
    """
    grants: dict[str, Role] = {}
    for group in groups:
        name, colon, grid_id = group.partition(":")
        scope = grid_id if colon else EVERY_GRID
        role = _ROLES.get(name)
        if role is None or (colon and not is_identifier(grid_id)):
            continue
        if scope not in grants or role.includes(grants[scope]):
            grants[scope] = role
    return grants
