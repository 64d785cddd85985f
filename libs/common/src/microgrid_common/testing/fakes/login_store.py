"""Logins in memory. They do not expire by themselves."""

from dataclasses import replace
from datetime import datetime

from microgrid_common.ports.login_store import MOST_LOGINS_OF_A_USER, Login
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeLoginStore(FailsOnDemand):
    """Implements `LoginStore`."""

    def __init__(self) -> None:
        super().__init__()
        self.logins: dict[str, Login] = {}

    async def start(self, login: Login) -> list[str]:
        """As `LoginStore.start`."""
        self._may_fail()
        self.logins[login.login_id] = login
        surplus = [other.login_id for other in self._of_user(login.username)[:-MOST_LOGINS_OF_A_USER]]
        for login_id in surplus:
            del self.logins[login_id]
        return surplus

    async def get(self, login_id: str) -> Login | None:
        """As `LoginStore.get`."""
        self._may_fail()
        return self.logins.get(login_id)

    async def renew(self, login_id: str, *, generation: int, at: datetime, expires_at: datetime) -> bool:
        """As `LoginStore.renew`."""
        self._may_fail()
        login = self.logins.get(login_id)
        if login is None or login.generation != generation:
            return False
        self.logins[login_id] = replace(
            login, generation=generation + 1, renewed_at=at, expires_at=expires_at
        )
        return True

    async def end(self, login_id: str) -> bool:
        """As `LoginStore.end`."""
        self._may_fail()
        return self.logins.pop(login_id, None) is not None

    async def of_user(self, username: str) -> list[Login]:
        """As `LoginStore.of_user`."""
        self._may_fail()
        return self._of_user(username)

    async def ping(self) -> None:
        """As `LoginStore.ping`."""
        self._may_fail()

    def _of_user(self, username: str) -> list[Login]:
        mine = [login for login in self.logins.values() if login.username == username]
        return sorted(mine, key=lambda login: (login.started_at, login.login_id))
