"""The connection to Redis or Valkey, and what its failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004 - it is the vendor's own, not Python's
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from microgrid_common.ports.errors import PermanentError, RetryableError

ANSWER_SECONDS = 5.0
"""How long a server may take to answer: longer than a slow disk's fsync, shorter than a person's patience."""

_CONNECT_SECONDS = 3.0
_MOST_CONNECTIONS = 32
_IDLE_SECONDS_BEFORE_CHECK = 30

# Errors that have no class of their own: a full disk, a replica without its primary, a script that runs long.
_PASSING_ERRORS = frozenset({"MISCONF", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "BUSY"})


def make_client(url: str) -> Redis:
    """A client that connects when it is first used; close it with `aclose`.

    Commands take connections from a pool and wait for one when all are in use, so one client may serve
    many tasks. A command that fails or is cancelled closes its connection: no answer is ever taken for
    that of another command.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MOST_CONNECTIONS,
        timeout=ANSWER_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        socket_connect_timeout=_CONNECT_SECONDS,
        health_check_interval=_IDLE_SECONDS_BEFORE_CHECK,
        decode_responses=False,
        # The caller decides about retries. A client that sends an append again on its own, after a
        # timeout, would double it unseen.
        retry=Retry(NoBackoff(), 0),
        # The shapes of answers in this package are those of RESP2, the same on Redis and Valkey.
        protocol=2,
    )
    return Redis.from_pool(pool)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate what Redis raises in the block.

    Raises:
        RetryableError: it is away, starting, full, or for the moment read-only.
        PermanentError: it refuses the command.
    """
    try:
        yield
    except (ConnectionError, TimeoutError, BusyLoadingError, OutOfMemoryError, ReadOnlyError) as error:
        raise RetryableError(f"redis: {error}") from error
    except ResponseError as error:
        if _kind_of(error) in _PASSING_ERRORS:
            raise RetryableError(f"redis: {error}") from error
        raise PermanentError(f"redis: {error}") from error
    except RedisError as error:
        raise PermanentError(f"redis: {error}") from error
    except OSError as error:
        raise RetryableError(f"redis: {error}") from error


def _kind_of(error: ResponseError) -> str:
    # A pipeline puts a sentence of its own before what the server said, and quotes that.
    said = str(error).rpartition(" of pipeline caused error: ")[2]
    return said.lstrip("('\"").partition(" ")[0]


async def ping(client: Redis) -> None:
    """Return if Redis answers.

    Raises:
        RetryableError: it does not; it says why.
    """
    with redis_errors():
        await client.ping()
