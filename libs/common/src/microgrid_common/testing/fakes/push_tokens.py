"""Push tokens in memory."""

from microgrid_common.ports.push_tokens import MOST_TOKENS_OF_A_USER, PushToken
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakePushTokens(FailsOnDemand):
    """Implements `PushTokens`."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, PushToken] = {}

    async def register(self, token: PushToken) -> None:
        """As `PushTokens.register`."""
        self._may_fail()
        self.tokens.pop(token.token, None)
        self.tokens[token.token] = token
        for surplus in self._of_user(token.user)[:-MOST_TOKENS_OF_A_USER]:
            del self.tokens[surplus.token]

    async def remove(self, user: str, token: str) -> bool:
        """As `PushTokens.remove`."""
        self._may_fail()
        if token not in self.tokens or self.tokens[token].user != user:
            return False
        del self.tokens[token]
        return True

    async def remove_login(self, login_id: str) -> int:
        """As `PushTokens.remove_login`."""
        self._may_fail()
        of_login = [name for name, token in self.tokens.items() if token.login_id == login_id]
        for name in of_login:
            del self.tokens[name]
        return len(of_login)

    async def of_user(self, user: str) -> list[PushToken]:
        """As `PushTokens.of_user`."""
        self._may_fail()
        return self._of_user(user)

    async def ping(self) -> None:
        """As `PushTokens.ping`."""
        self._may_fail()

    def _of_user(self, user: str) -> list[PushToken]:
        mine = [token for token in self.tokens.values() if token.user == user]
        return sorted(mine, key=lambda token: (token.registered_at, token.token))
