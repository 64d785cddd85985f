"""What every `UserStore` must do."""

import asyncio
from typing import Any

import pytest

from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.ports.user_store import StoredUser, UserStore
from microgrid_common.schemas.user import Role, User
from microgrid_common.testing.samples import SAMPLE_TIME


def stored_user(username: str = "maria", **fields: Any) -> StoredUser:
    """A user with a hash that no password has."""
    user = User(
        **{
            "username": username,
            "name": "María Ünal",
            "grants": {"village": Role.COMMUNITY_OPERATOR, "*": Role.VIEWER},
            "created_at": SAMPLE_TIME,
            "password_changed_at": SAMPLE_TIME,
            **fields,
        }
    )
    return StoredUser(user, "no hash")


class UserStoreContract:
    """Needs a fixture `users`, an empty `UserStore`."""

    async def test_a_user_is_found_again_whole(self, users: UserStore) -> None:
        """And nobody else."""
        await users.put(stored_user())
        await users.put(stored_user("a.b@c+d", disabled=True, grants={}))
        assert await users.get("maria") == stored_user()
        assert await users.get("mari") is None
        assert [user.username for user in await users.all()] == ["a.b@c+d", "maria"]

    async def test_a_change_replaces_the_version_that_it_was_made_from(self, users: UserStore) -> None:
        """So that nobody undoes what somebody else did meanwhile."""
        first = stored_user()
        await users.put(first)
        second = StoredUser(first.user.changed(disabled=True), "another hash")
        await users.put(second)
        for late in (first, StoredUser(first.user.changed(name="x"), "h"), stored_user(version=4)):
            with pytest.raises(VersionConflictError):
                await users.put(late)
        assert await users.get("maria") == second

    async def test_of_changes_at_the_same_time_one_is_made(self, users: UserStore) -> None:
        """The others are told."""
        outcomes = await asyncio.gather(
            *(users.put(stored_user(name=str(number))) for number in range(10)), return_exceptions=True
        )
        assert sorted(map(repr, outcomes)) == ["None"] + ["VersionConflictError()"] * 9

    async def test_one_that_was_removed_can_be_made_again(self, users: UserStore) -> None:
        """As version 1."""
        await users.put(stored_user())
        await users.put(StoredUser(stored_user().user.changed(name="x"), "h"))
        assert await users.remove("maria")
        assert not await users.remove("maria")
        assert await users.get("maria") is None
        await users.put(stored_user())
        assert await users.all() == [stored_user().user]
