"""Answers to requests that were made under a key, for those who have to ask again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

KEPT_FOR: Final = timedelta(hours=24)
"""How long an answer is kept: longer than a phone is without a network."""

ANSWERED_WITHIN: Final = timedelta(minutes=2)
"""How long a key is held for a request that gets no answer, as when the process dies; none takes so long."""


class KeyReusedError(Exception):
    """The key was used for another request."""


class StillAnsweringError(Exception):
    """The same request is being answered right now, or was cut off less than two minutes ago."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under a key, without saying what is in it."""

    key: str
    """Names the key and whose it is: 1 to 200 ASCII characters."""
    content: str
    """The same for the same request, and another for any other one: 1 to 200 ASCII characters."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was given."""

    status: int
    headers: tuple[tuple[str, str], ...]
    """Names and values, in Latin-1."""
    body: bytes


class IdempotencyStore(Protocol):
    """Remembers what was answered under which key."""

    async def begin(self, request: KeyedRequest) -> KeptAnswer | None:
        """Take a key for a request, for `ANSWERED_WITHIN`; of many who try at once, one gets it.

        Returns:
            What was answered before; None: nothing, and the key is taken. Then `finish` or `give_up` has
            to follow.

        Raises:
            KeyReusedError: the key is another request's.
            StillAnsweringError: somebody else has the key, for the same request.
            RetryableError: the store is away.
        """

    async def finish(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """Keep the answer to a request that was begun, for `KEPT_FOR` from now on.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def give_up(self, request: KeyedRequest) -> None:
        """Forget a request that was begun, so that it can be made again.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """
