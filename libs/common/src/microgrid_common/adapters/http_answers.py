"""What the answer of an HTTP service means for a message that was posted to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import UncertainDeliveryError

ANSWER_TIMEOUT: Final = ClientTimeout(total=20, connect=10)
"""In seconds."""

_LONGEST_WAIT: Final = timedelta(hours=1)
"""Whoever asks for more is asked again after that."""

_TIMEOUT_STATUS = 408
_TOO_EARLY_STATUS = 425
_TOO_MANY_STATUS = 429
_FIRST_ERROR_STATUS = 300
_FIRST_SERVER_ERROR_STATUS = 500


def check_status(status: int, retry_after: str | None = None) -> None:
    """Return if the message was taken.

    Args:
        status: the HTTP status.
        retry_after: the header of that name: seconds, or a date.

    Raises:
        RetryableError: later it may be.
        PermanentError: it never will be.
    """
    if status < _FIRST_ERROR_STATUS:
        return
    problem = f"HTTP status {status}"
    passing = {_TIMEOUT_STATUS, _TOO_EARLY_STATUS, _TOO_MANY_STATUS}
    if status in passing or status >= _FIRST_SERVER_ERROR_STATUS:
        raise RetryableError(problem, retry_after=_wait(retry_after))
    raise PermanentError(problem)


@asynccontextmanager
async def posting_errors() -> AsyncIterator[None]:
    """Translate what aiohttp raises while a message is posted; the errors name no address.

    Raises:
        RetryableError: there was no connection, so nothing was posted.
        PermanentError: there is no such address.
        UncertainDeliveryError: the connection ended before there was an answer.
    """
    try:
        yield
    except InvalidURL as error:
        raise PermanentError("the URL is not valid") from error
    except ClientConnectorCertificateError as error:
        raise RetryableError("the certificate is not to be trusted") from error
    except ConnectionTimeoutError as error:
        raise RetryableError("cannot connect in time") from error
    except ClientConnectorError as error:
        raise RetryableError(f"cannot connect: {error.os_error.strerror or 'no such host'}") from error
    except (ClientError, TimeoutError, OSError) as error:
        raise UncertainDeliveryError(f"no answer: {type(error).__name__}") from error


def _wait(retry_after: str | None) -> timedelta | None:
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            date = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        seconds = (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    # Also what is no number: every comparison with it is false.
    return min(timedelta(seconds=min(seconds, 1e6)), _LONGEST_WAIT) if seconds >= 0 else None
