"""Ended logins in memory."""

from collections.abc import Callable
from datetime import UTC, datetime

from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeRevocations(FailsOnDemand):
    """Implements `Revocations`."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.until: dict[str, datetime] = {}
        self._now = now

    async def revoke(self, login_id: str, *, until: datetime) -> None:
        """As `Revocations.revoke`."""
        self._may_fail()
        self.until[login_id] = max(until, self.until.get(login_id, until))

    async def revoked(self, login_id: str) -> bool:
        """As `Revocations.revoked`."""
        self._may_fail()
        return login_id in self.until and self._now() < self.until[login_id]

    async def ping(self) -> None:
        """As `Revocations.ping`."""
        self._may_fail()
