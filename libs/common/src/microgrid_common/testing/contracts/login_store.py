"""What every `LoginStore` must do."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from microgrid_common.ports.login_store import MOST_LOGINS_OF_A_USER, Login, LoginStore

# A real store forgets by the clock of the world.
_NOW = datetime.now(UTC)
_LATER = _NOW + timedelta(hours=1)


def _login(login_id: str = "a", **fields: Any) -> Login:
    return Login(
        **{
            "login_id": login_id,
            "username": "maria",
            "generation": 0,
            "started_at": _NOW,
            "renewed_at": _NOW,
            "expires_at": _LATER,
            **fields,
        }
    )


class LoginStoreContract:
    """Needs a fixture `logins`, an empty `LoginStore`."""

    async def test_a_login_is_found_again_whole(self, logins: LoginStore) -> None:
        """And no other."""
        assert await logins.start(_login()) == []
        assert await logins.start(_login("b", username="jonas@x")) == []
        assert await logins.get("a") == _login()
        assert await logins.get("c") is None
        assert await logins.of_user("jonas@x") == [_login("b", username="jonas@x")]
        assert await logins.of_user("nobody") == []

    async def test_it_is_renewed_from_the_generation_that_it_has(self, logins: LoginStore) -> None:
        """From no other one."""
        await logins.start(_login())
        at, until = _NOW + timedelta(minutes=1), _LATER + timedelta(minutes=1)
        assert await logins.renew("a", generation=0, at=at, expires_at=until)
        assert not await logins.renew("a", generation=0, at=at, expires_at=until)
        assert not await logins.renew("a", generation=2, at=at, expires_at=until)
        assert not await logins.renew("b", generation=0, at=at, expires_at=until)
        assert await logins.get("a") == _login(generation=1, renewed_at=at, expires_at=until)

    async def test_of_renewals_at_the_same_time_one_is_made(self, logins: LoginStore) -> None:
        """So a token that was stolen shows."""
        await logins.start(_login())
        renewals = (logins.renew("a", generation=0, at=_NOW, expires_at=_LATER) for _ in range(10))
        assert sorted(await asyncio.gather(*renewals)) == [False] * 9 + [True]

    async def test_one_that_ended_is_forgotten(self, logins: LoginStore) -> None:
        """Those of other devices stay."""
        await logins.start(_login())
        await logins.start(_login("b", started_at=_NOW + timedelta(microseconds=1)))
        assert await logins.end("a")
        assert not await logins.end("a")
        assert await logins.get("a") is None
        assert [login.login_id for login in await logins.of_user("maria")] == ["b"]
        assert not await logins.renew("a", generation=0, at=_NOW, expires_at=_LATER)

    async def test_of_too_many_the_oldest_end(self, logins: LoginStore) -> None:
        """It says which."""
        ended = [
            await logins.start(_login(f"{number:02}", started_at=_NOW + timedelta(seconds=number)))
            for number in range(MOST_LOGINS_OF_A_USER + 2)
        ]
        assert ended == [[]] * MOST_LOGINS_OF_A_USER + [["00"], ["01"]]
        assert await logins.get("00") is None
        assert len(await logins.of_user("maria")) == MOST_LOGINS_OF_A_USER
