"""What administrators do about users, and users about their own password."""

from collections.abc import Callable
from datetime import datetime

from microgrid_api.identity.local_users.ending_logins import LoginEnder
from microgrid_api.identity.local_users.passwords import Passwords, check_new_password
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.ports.user_store import StoredUser, UserStore
from microgrid_common.schemas.user import EVERY_GRID, Grants, Role, User


class UnknownUserError(Exception):
    """There is no user of that name."""


class LastAdministratorError(Exception):
    """Nobody would be left who may manage users."""


class UserDesk:
    """Makes, changes and removes users.

    Whoever loses a role, is disabled or gets another password is logged out everywhere: tokens tell of
    what was true when they were made.

    Args:
        users: where they are kept.
        ender: logs them out.
        passwords: hashes theirs.
        now: the present, aware, in UTC.
    """

    def __init__(
        self, *, users: UserStore, ender: LoginEnder, passwords: Passwords, now: Callable[[], datetime]
    ) -> None:
        self._users = users
        self._ender = ender
        self._passwords = passwords
        self._now = now

    async def all(self) -> list[User]:
        """Every user, in the order of their names.

        Raises:
            RetryableError: the store is away.
        """
        return await self._users.all()

    async def get(self, username: str) -> User:
        """One user.

        Raises:
            UnknownUserError: there is none of that name.
            RetryableError: the store is away.
        """
        return (await self._stored(username)).user

    async def create(self, username: str, *, name: str, grants: Grants, password: str) -> User:
        """Make a user.

        Raises:
            WeakPasswordError: it is easily guessed.
            VersionConflictError: there is one of that name already.
            PermanentError: there are too many.
            RetryableError: the store is away.
        """
        check_new_password(password, username=username)
        now = self._now()
        user = User(
            username=username, name=name, grants=dict(grants), created_at=now, password_changed_at=now
        )
        await self._users.put(StoredUser(user, await self._passwords.hash(password)))
        return user

    async def change(
        self, username: str, *, expected_version: int, name: str, grants: Grants, disabled: bool
    ) -> User:
        """Change what a user is called, and what they may do.

        Raises:
            UnknownUserError: there is none of that name.
            LastAdministratorError: they are the only one who may manage users.
            VersionConflictError: somebody else changed them meanwhile.
            RetryableError: a store is away; calling again with the version that is there then is safe.
        """
        stored = await self._stored(username)
        if stored.user.version != expected_version:
            raise VersionConflictError
        changed = stored.user.changed(name=name, grants=dict(grants), disabled=disabled)
        if _manages_users(stored.user) and not _manages_users(changed):
            await self._check_that_others_manage(username)
        same_rights = (changed.grants, changed.disabled) == (stored.user.grants, stored.user.disabled)
        await self._put(StoredUser(changed, stored.password_hash), log_out=not same_rights)
        return changed

    async def set_password(self, username: str, password: str) -> User:
        """Give a user another password.

        Raises:
            UnknownUserError: there is none of that name.
            WeakPasswordError: it is easily guessed.
            VersionConflictError: somebody else changed them at the same moment.
            RetryableError: a store is away.
        """
        check_new_password(password, username=username)
        stored = await self._stored(username)
        changed = stored.user.changed(password_changed_at=self._now())
        await self._put(StoredUser(changed, await self._passwords.hash(password)), log_out=True)
        return changed

    async def remove(self, username: str) -> User:
        """Remove a user; returns what they were.

        Raises:
            UnknownUserError: there is none of that name.
            LastAdministratorError: they are the only one who may manage users.
            RetryableError: a store is away; calling again is safe.
        """
        stored = await self._stored(username)
        if _manages_users(stored.user):
            await self._check_that_others_manage(username)
        await self._ender.end_all(username)
        await self._users.remove(username)
        # Once more: a login may have begun in between.
        await self._ender.end_all(username)
        return stored.user

    async def log_out_everywhere(self, username: str) -> int:
        """End every login of a user; returns how many there were.

        Raises:
            UnknownUserError: there is none of that name.
            RetryableError: a store is away; calling again is safe.
        """
        await self._stored(username)
        return await self._ender.end_all(username)

    async def _put(self, stored: StoredUser, *, log_out: bool) -> None:
        # Before, so that nothing is changed when they cannot be logged out; after, since a login may have
        # begun in between.
        if log_out:
            await self._ender.end_all(stored.user.username)
        await self._users.put(stored)
        if log_out:
            await self._ender.end_all(stored.user.username)

    async def _stored(self, username: str) -> StoredUser:
        if (stored := await self._users.get(username)) is None:
            raise UnknownUserError
        return stored

    async def _check_that_others_manage(self, username: str) -> None:
        others = (user for user in await self._users.all() if user.username != username)
        if not any(map(_manages_users, others)):
            raise LastAdministratorError


def _manages_users(user: User) -> bool:
    return not user.disabled and user.grants.get(EVERY_GRID) is Role.ADMIN
