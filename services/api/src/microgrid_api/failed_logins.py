"""Who may use the API."""

import hmac
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import timedelta
from typing import Final

PROTOTYPE_USERNAME: Final = "user"
PROTOTYPE_PASSWORD: Final = "password"  # noqa: S105 - public, and useless outside loopback
PROTOTYPE_TOKEN: Final = "prototype_token"  # noqa: S105 - as above

PROTOTYPE_LOGIN_ID: Final = "prototype"
"""The one login that there is: the prototype's token is always the same, and does not end."""


class PrototypeAuthentication:
    """One fixed user and one fixed token. It is for loopback only: see `ApiSettings.auth_mode`."""

    def log_in(self, username: str, password: str) -> str | None:
        """The token of that user; None when the name or the password is wrong."""
        # Both are always compared, and in constant time, so that the time tells nothing.
        right_name = _same(username, PROTOTYPE_USERNAME)
        right_password = _same(password, PROTOTYPE_PASSWORD)
        return PROTOTYPE_TOKEN if right_name and right_password else None

    def accepts(self, token: str) -> bool:
        """Whether a bearer of `token` may use the API."""
        return _same(token, PROTOTYPE_TOKEN)


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


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
