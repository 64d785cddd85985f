"""Users in memory."""

from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.ports.user_store import MAXIMUM_USERS, StoredUser
from microgrid_common.schemas.user import User
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeUserStore(FailsOnDemand):
    """Implements `UserStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, StoredUser] = {}

    async def get(self, username: str) -> StoredUser | None:
        """As `UserStore.get`."""
        self._may_fail()
        return self.users.get(username)

    async def all(self) -> list[User]:
        """As `UserStore.all`."""
        self._may_fail()
        return [self.users[name].user for name in sorted(self.users)]

    async def put(self, stored: StoredUser) -> None:
        """As `UserStore.put`."""
        self._may_fail()
        known = self.users.get(stored.user.username)
        if stored.user.version != (known.user.version if known else 0) + 1:
            raise VersionConflictError
        if known is None and len(self.users) >= MAXIMUM_USERS:
            raise PermanentError(f"there are {MAXIMUM_USERS} users already")
        self.users[stored.user.username] = stored

    async def remove(self, username: str) -> bool:
        """As `UserStore.remove`."""
        self._may_fail()
        return self.users.pop(username, None) is not None

    async def ping(self) -> None:
        """As `UserStore.ping`."""
        self._may_fail()
