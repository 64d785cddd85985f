"""Tries to log in, counted in memory."""

from datetime import datetime, timedelta

from microgrid_common.ports.login_attempts import FIRST_WAIT, FORGOTTEN_AFTER, FREE_ATTEMPTS, LONGEST_WAIT
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeLoginAttempts(FailsOnDemand):
    """Implements `LoginAttempts`."""

    def __init__(self) -> None:
        super().__init__()
        self._tries: dict[str, tuple[int, datetime]] = {}

    async def attempt(self, username: str, *, at: datetime) -> timedelta | None:
        """As `LoginAttempts.attempt`."""
        self._may_fail()
        count, last = self._tries.get(username, (0, at))
        if at - last >= FORGOTTEN_AFTER:
            count = 0
        if count >= FREE_ATTEMPTS:
            wait: timedelta = min(FIRST_WAIT * 2 ** min(count - FREE_ATTEMPTS, 40), LONGEST_WAIT)
            if (left := last + wait - at) > timedelta():
                return min(left, wait)
        self._tries[username] = (count + 1, at)
        return None

    async def clear(self, username: str) -> None:
        """As `LoginAttempts.clear`."""
        self._may_fail()
        self._tries.pop(username, None)

    async def ping(self) -> None:
        """As `LoginAttempts.ping`."""
        self._may_fail()
