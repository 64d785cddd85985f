"""The public keys with which the tokens of a user pool are signed."""

import asyncio
import math
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import structlog
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import RSAKey
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from microgrid_common.adapters.cognito.answers import ask
from microgrid_common.adapters.http_answers import check_status
from microgrid_common.ports.errors import PermanentError, RetryableError

FRESH_FOR: Final = timedelta(hours=1)
"""After that the keys are fetched again while the old ones are used: one that was withdrawn goes then."""

USABLE_FOR: Final = timedelta(hours=24)
"""For how long the last keys are used while no new ones can be fetched."""

PAUSE: Final = timedelta(seconds=5)
"""Between two fetches: forged tokens may name a new key with every request."""

_MOST_KEYS = 50
_SHORTEST_KEY_BITS = 2048


class _KeySet(BaseModel):
    keys: Annotated[list[Any], Field(max_length=_MOST_KEYS)]


class _SigningKey(BaseModel):
    kid: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    kty: Literal["RSA"]
    n: str
    e: str
    use: Literal["sig"] = "sig"
    alg: Literal["RS256"] = "RS256"


class SigningKeys:
    """Keeps the keys of a JWKS document by their names; fetches it when there is reason to.

    Args:
        url: where the document is.
        monotonic: a clock, in seconds.
    """

    def __init__(self, url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._keys: dict[str, RSAKey] = {}
        self._fetched_at = -math.inf
        self._tried_at = -math.inf
        self._problem: str | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def get(self, key_id: str) -> RSAKey | None:
        """The key of that name; None when there is none, as of a few seconds ago.

        Raises:
            RetryableError: that cannot be said, since the keys cannot be fetched.
        """
        age = self._monotonic() - self._fetched_at
        key = self._keys.get(key_id)
        if key is not None and age < USABLE_FOR.total_seconds():
            if age >= FRESH_FOR.total_seconds():
                self._fetch_if_due()
            return key
        if fetching := self._fetch_if_due():
            # One caller that gives up must not take the keys from all others that wait.
            await asyncio.shield(fetching)
        if self._problem is not None:
            raise RetryableError(f"the signing keys cannot be fetched: {self._problem}", retry_after=PAUSE)
        return self._keys.get(key_id)

    async def aclose(self) -> None:
        """End a fetch that is on its way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetch_if_due(self) -> asyncio.Task[None] | None:
        """The fetch that is on its way, if there is or may be one."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        if self._monotonic() - self._tried_at < PAUSE.total_seconds():
            return None
        self._fetching = asyncio.create_task(self._fetch(), name="cognito-signing-keys")
        return self._fetching

    async def _fetch(self) -> None:
        log = structlog.get_logger()
        try:
            answer = await ask("GET", self._url, headers={"Accept": "application/json"})
            check_status(answer.status)
            self._keys = _keys(answer.body)
        except (RetryableError, PermanentError) as error:
            if self._problem is None:
                log.warning("dependency_away", dependency="cognito_signing_keys", error=str(error))
            self._problem = str(error)
        else:
            if self._problem is not None:
                log.info("dependency_back", dependency="cognito_signing_keys")
            self._problem = None
            self._fetched_at = self._monotonic()
        finally:
            self._tried_at = self._monotonic()


def _keys(document: bytes) -> dict[str, RSAKey]:
    """The usable keys by name.

    Raises:
        RetryableError: there is none: old ones are better than none.
    """
    try:
        listed = _KeySet.model_validate_json(document).keys
    except ValidationError as error:
        raise RetryableError("the answer is not a set of keys") from error
    usable = [key for described in listed if (key := _usable(described))]
    if not usable:
        raise RetryableError("the answer holds no usable key")
    return dict(usable)


def _usable(described: object) -> tuple[str, RSAKey] | None:
    """Name and key; None for one of another kind, or too short a one."""
    try:
        fields = _SigningKey.model_validate(described)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            key = RSAKey.import_key({"kty": fields.kty, "n": fields.n, "e": fields.e})
    except (ValidationError, JoseError, ValueError):
        return None
    return (fields.kid, key) if key.raw_value.key_size >= _SHORTEST_KEY_BITS else None
