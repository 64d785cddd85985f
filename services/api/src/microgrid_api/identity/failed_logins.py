"""Wrong passwords, counted by address."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import timedelta


class FailedLogins:
    """Counts wrong passwords by address, so that nobody can try them all."""

    def __init__(
        self,
        *,
        limit: int = 10,
        window: timedelta = timedelta(minutes=1),
        addresses_kept: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window_seconds = window.total_seconds()
        self._addresses_kept = addresses_kept
        self._monotonic = monotonic
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def blocked_for(self, address: str) -> timedelta | None:
        """How long until `address` may try again; None when it may now."""
        failures = self._failures.get(address)
        if failures is None:
            return None
        now = self._monotonic()
        while failures and failures[0] <= now - self._window_seconds:
            failures.popleft()
        if len(failures) < self._limit:
            return None
        return timedelta(seconds=failures[0] + self._window_seconds - now)

    def add(self, address: str) -> None:
        """Count a wrong password; of too many addresses the one that failed longest ago is forgotten."""
        self._failures.setdefault(address, deque(maxlen=self._limit)).append(self._monotonic())
        self._failures.move_to_end(address)
        if len(self._failures) > self._addresses_kept:
            self._failures.popitem(last=False)
