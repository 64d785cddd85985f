"""What every `Revocations` must do."""

from datetime import UTC, datetime, timedelta

from microgrid_common.ports.revocations import Revocations


def _in(**duration: float) -> datetime:
    return datetime.now(UTC) + timedelta(**duration)


class RevocationsContract:
    """Needs a fixture `revocations`, an empty `Revocations`."""

    async def test_a_login_is_ended_and_no_other(self, revocations: Revocations) -> None:
        """Also one whose name begins in the same way, or has signs in it that mean something elsewhere."""
        for login_id in ("login-1", 'Ünal:*?["', "x" * 200):
            assert not await revocations.revoked(login_id)
            await revocations.revoke(login_id, until=_in(hours=1))
            assert await revocations.revoked(login_id)
        assert not await revocations.revoked("login-11")
        assert not await revocations.revoked("login-")

    async def test_ending_it_again_never_shortens_it(self, revocations: Revocations) -> None:
        """Who ends it a second time may know of a shorter life only."""
        await revocations.revoke("login-1", until=_in(hours=1))
        await revocations.revoke("login-1", until=_in(hours=-1))
        assert await revocations.revoked("login-1")

    async def test_ending_it_again_lengthens_it(self, revocations: Revocations) -> None:
        """The later end counts."""
        await revocations.revoke("login-1", until=_in(hours=-1))
        await revocations.revoke("login-1", until=_in(hours=1))
        assert await revocations.revoked("login-1")
        await revocations.ping()
