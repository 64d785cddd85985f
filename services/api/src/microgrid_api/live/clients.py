"""How many live connections are open."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from microgrid_common.runtime.metrics import LIVE_CLIENTS


class TooManyClientsError(Exception):
    """There is no room for one more live connection."""


class LiveClients:
    """Counts open live connections up to a limit."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._open = 0
        self.sent_away = asyncio.Event()
        """Set when the service stops. The server itself ends WebSockets, but waits for answers to end."""

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count one more connection while the block runs.

        Raises:
            TooManyClientsError: the limit is reached.
        """
        if self._open >= self._limit:
            raise TooManyClientsError
        self._open += 1
        LIVE_CLIENTS.inc()
        try:
            yield
        finally:
            self._open -= 1
            LIVE_CLIENTS.dec()
