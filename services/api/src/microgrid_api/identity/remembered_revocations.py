"""Revocations, asked for once a second for each login, and not with every request."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.ports.revocations import Revocations

REMEMBERED_FOR: Final = timedelta(seconds=1)
"""So long after a logout through another process its tokens may still be accepted by this one."""


class RememberedRevocations:
    """Implements `Revocations` by asking another one less often. What is revoked through it counts at once.

    Args:
        revocations: where they are kept.
        most: how many logins are remembered.
        monotonic: a clock in seconds.
    """

    def __init__(
        self,
        revocations: Revocations,
        *,
        most: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._revocations = revocations
        self._most = most
        self._monotonic = monotonic
        self._answers: OrderedDict[str, tuple[bool, float]] = OrderedDict()
        """Login to the last answer, and when it was given."""

    async def revoke(self, login_id: str, *, until: datetime) -> None:
        """As `Revocations.revoke`."""
        await self._revocations.revoke(login_id, until=until)
        self._remember(login_id, revoked=True, asked_at=self._monotonic())

    async def revoked(self, login_id: str) -> bool:
        """As `Revocations.revoked`, up to `REMEMBERED_FOR` late."""
        now = self._monotonic()
        if known := self._answers.get(login_id):
            revoked, asked_at = known
            # One that is revoked never comes back.
            if revoked or now - asked_at < REMEMBERED_FOR.total_seconds():
                return revoked
        revoked = await self._revocations.revoked(login_id)
        self._remember(login_id, revoked=revoked, asked_at=now)
        return revoked

    async def ping(self) -> None:
        """As `Revocations.ping`."""
        await self._revocations.ping()

    def _remember(self, login_id: str, *, revoked: bool, asked_at: float) -> None:
        # A logout may have come while the store was asked: its answer counts, whichever is later.
        earlier, _ = self._answers.pop(login_id, (False, 0.0))
        self._answers[login_id] = (revoked or earlier, asked_at)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)
