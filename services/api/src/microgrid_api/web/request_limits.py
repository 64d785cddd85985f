"""How many requests one address and one user may make, and how long an address line may be."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from microgrid_api.web.problems import invalid_request_answer, problem_answer

LONGEST_QUERY: Final = 8 * 1024
"""Bytes: many times the longest query that any endpoint takes."""
MOST_PARAMETERS: Final = 100

BURST_SECONDS: Final = 10
"""After a rest so many seconds' worth of requests may come at once: an app that opens asks for much."""

_FREE: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Those who watch the service are never sent away."""


class TokenBuckets:
    """Lets each caller make so many requests a second, and more for a moment after a rest.

    Args:
        per_second: how many requests; 0: any number.
        callers_kept: of how many callers it is known; of more, the one that was quiet for longest may begin
            anew.
        monotonic: a clock in seconds.
    """

    def __init__(
        self,
        per_second: float,
        *,
        callers_kept: int = 20_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._full = max(1.0, per_second * BURST_SECONDS)
        self._callers_kept = callers_kept
        self._monotonic = monotonic
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Caller → how many requests are left, and when that was so."""

    def take(self, caller: str) -> timedelta | None:
        """Count a request; None when it may go on, else how long to wait, and it is not counted."""
        if not self._per_second:
            return None
        now = self._monotonic()
        level, known_at = self._levels.get(caller, (self._full, now))
        level = min(self._full, level + (now - known_at) * self._per_second)
        if level < 1:
            return timedelta(seconds=(1 - level) / self._per_second)
        self._levels[caller] = (level - 1, now)
        self._levels.move_to_end(caller)
        if len(self._levels) > self._callers_kept:
            self._levels.popitem(last=False)
        return None


class AddressLimits:
    """Sends requests away that come too fast from one address, or whose query cannot be meant.

    Args:
        app: what serves the others.
        buckets: one for each address.
    """

    def __init__(self, app: ASGIApp, *, buckets: TokenBuckets) -> None:
        self._app = app
        self._buckets = buckets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and scope["path"] not in _FREE:
            client = scope.get("client")
            if wait := self._buckets.take(client[0] if client else "unknown"):
                await problem_answer(
                    scope,
                    HTTPStatus.TOO_MANY_REQUESTS,
                    "Too many requests from this address; wait a while.",
                    retry_after(wait),
                )(scope, receive, send)
                return
            query = scope["query_string"]
            if len(query) > LONGEST_QUERY or query.count(b"&") >= MOST_PARAMETERS:
                detail = f"The query may have {LONGEST_QUERY} bytes and {MOST_PARAMETERS} parameters."
                await problem_answer(scope, HTTPStatus.REQUEST_URI_TOO_LONG, detail)(scope, receive, send)
                return
            if repeated := _repeated_parameter(query):
                # Else the last one would count, and whoever meant both would get half without a word.
                problem = {"loc": ("query", repeated), "msg": "Once; see whether it takes a list with commas"}
                refusal = invalid_request_answer(scope, [{**problem, "type": "repeated_parameter"}])
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _repeated_parameter(query: bytes) -> str | None:
    if b"&" not in query:
        return None
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    return next((name for number, name in enumerate(names) if name in names[:number]), None)


def retry_after(wait: timedelta) -> dict[str, str]:
    """The header that says when to come back."""
    return {"Retry-After": str(math.ceil(wait.total_seconds()))}
