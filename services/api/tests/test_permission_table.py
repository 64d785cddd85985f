"""The table of permissions: what it says, and that docs/identity.md says the same."""

from pathlib import Path

import pytest

from microgrid_api.identity.permissions import DESCRIPTIONS, LEAST_ROLE, Permission, may, may_somewhere, sees
from microgrid_common.ports.identity import Caller
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.user import EVERY_GRID, Grants, Role

IDENTITY_MD = Path(__file__).parents[3] / "docs" / "identity.md"
BEGIN, END = "<!-- permissions: made from permissions.py -->\n", "<!-- end of permissions -->\n"


def table() -> str:
    head = ["", *(role.value.replace("_", " ") for role in Role)]
    rows = [head, ["---", *(":-:" for _ in Role)]]
    for permission in Permission:
        marks = ["✓" if role.includes(LEAST_ROLE[permission]) else "" for role in Role]
        rows.append([f"`{permission.value}`: {DESCRIPTIONS[permission]}", *marks])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_docs_have_the_table_of_the_code() -> None:
    _, _, rest = IDENTITY_MD.read_text().partition(BEGIN)
    shown, _, _ = rest.partition(END)
    assert shown == table()


def test_every_permission_has_a_role_and_a_description() -> None:
    assert set(LEAST_ROLE) == set(DESCRIPTIONS) == set(Permission)


def caller(grants: Grants) -> Caller:
    return Caller("amina", "login", grants, None)


@pytest.mark.parametrize(
    ("grants", "grid_id", "seen", "allowed"),
    [
        ({}, "village", False, set()),
        ({}, PLATFORM_GRID_ID, False, set()),
        ({"village": Role.VIEWER}, "village", True, {Permission.VIEW}),
        ({"village": Role.ADMIN}, "town", False, set()),
        ({"village": Role.ADMIN}, "village", True, set(Permission)),
        ({"village": Role.ADMIN}, EVERY_GRID, False, set()),
        ({"village": Role.ADMIN}, PLATFORM_GRID_ID, True, {Permission.VIEW}),
        ({"*": Role.COMMUNITY_OPERATOR}, "town", True, {Permission.VIEW, Permission.HANDLE_ALARMS}),
        ({"*": Role.COMMUNITY_OPERATOR}, PLATFORM_GRID_ID, True, {Permission.VIEW, Permission.HANDLE_ALARMS}),
        ({"*": Role.VIEWER, "village": Role.ADMIN}, "village", True, set(Permission)),
        ({"*": Role.ADMIN, "village": Role.VIEWER}, "village", True, set(Permission)),
    ],
)
def test_what_a_role_allows_where(
    grants: Grants, grid_id: str, *, seen: bool, allowed: set[Permission]
) -> None:
    assert sees(caller(grants), grid_id) is seen
    assert {permission for permission in Permission if may(caller(grants), permission, grid_id)} == allowed


def test_somewhere_is_any_grid() -> None:
    admin_of_one = caller({"village": Role.ADMIN, "town": Role.VIEWER})
    assert may_somewhere(admin_of_one, Permission.EDIT_RULES)
    assert not may_somewhere(caller({"town": Role.VIEWER}), Permission.EDIT_RULES)
    assert not may_somewhere(caller({}), Permission.VIEW)
