"""What every `PushTokens` must do."""

from datetime import timedelta
from typing import Any

from microgrid_common.ports.push_tokens import MOST_TOKENS_OF_A_USER, PushPlatform, PushToken, PushTokens
from microgrid_common.testing.samples import SAMPLE_TIME


def _token(name: str, **fields: Any) -> PushToken:
    return PushToken(
        **{
            "token": name,
            "user": "maria",
            "platform": PushPlatform.ANDROID,
            "login_id": "login-1",
            "registered_at": SAMPLE_TIME,
            **fields,
        }
    )


async def _names(tokens: PushTokens, user: str = "maria") -> list[str]:
    return [token.token for token in await tokens.of_user(user)]


class PushTokensContract:
    """Needs a fixture `tokens`, an empty `PushTokens`."""

    async def test_a_user_has_the_tokens_that_they_registered(self, tokens: PushTokens) -> None:
        """And nobody else's."""
        mine = _token('odd:"token"', user="Maria Ünal", registered_at=SAMPLE_TIME + timedelta(microseconds=1))
        await tokens.register(mine)
        await tokens.register(_token("other"))
        assert await tokens.of_user("Maria Ünal") == [mine]
        assert await tokens.of_user("nobody") == []

    async def test_registering_again_adds_nothing(self, tokens: PushTokens) -> None:
        """The app does so at every start."""
        await tokens.register(_token("a"))
        again = _token("a", login_id="login-2", registered_at=SAMPLE_TIME + timedelta(hours=1))
        await tokens.register(again)
        assert await tokens.of_user("maria") == [again]
        assert await tokens.remove_login("login-1") == 0

    async def test_a_token_belongs_to_who_registered_it_last(self, tokens: PushTokens) -> None:
        """A phone that changes hands tells the one before nothing."""
        await tokens.register(_token("a"))
        await tokens.register(_token("a", user="jonas", login_id="login-2"))
        assert await _names(tokens) == []
        assert await _names(tokens, "jonas") == ["a"]

    async def test_a_user_removes_a_token_of_their_own(self, tokens: PushTokens) -> None:
        """And of nobody else's."""
        await tokens.register(_token("a"))
        assert not await tokens.remove("jonas", "a")
        assert await tokens.remove("maria", "a")
        assert not await tokens.remove("maria", "a")
        assert await _names(tokens) == []

    async def test_a_token_dies_with_its_login(self, tokens: PushTokens) -> None:
        """The tokens of other logins of the same user live on."""
        for name, login in [("a", "login-1"), ("b", "login-1"), ("c", "login-2")]:
            await tokens.register(_token(name, login_id=login))
        assert await tokens.remove_login("login-1") == 2
        assert await _names(tokens) == ["c"]
        assert await tokens.remove_login("login-1") == 0

    async def test_of_too_many_the_oldest_go(self, tokens: PushTokens) -> None:
        """An app that is installed anew leaves its old token behind."""
        for number in range(MOST_TOKENS_OF_A_USER + 2):
            await tokens.register(
                _token(f"{number:02}", registered_at=SAMPLE_TIME + timedelta(seconds=number))
            )
        assert await _names(tokens) == [f"{number:02}" for number in range(2, MOST_TOKENS_OF_A_USER + 2)]
        assert await tokens.remove_login("login-1") == MOST_TOKENS_OF_A_USER
