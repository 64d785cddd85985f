"""What InfluxDB's answers mean to the caller."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from microgrid_common.ports.errors import RetryableError

LONGEST_RETRY_AFTER = timedelta(minutes=5)
"""A wrong `Retry-After` must not silence us for a day."""

_REFUSALS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}

_CONFIGURATION: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not valid",
    HTTPStatus.FORBIDDEN: "the token has no permission for this",
    HTTPStatus.NOT_FOUND: "the organisation or the bucket does not exist, see `microgrid-ingestor setup`",
}

_DROPPED = re.compile(r"\bdropped=(\d{1,9})\b")
_SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not 2xx."""

    status: int
    retry_after: str | None
    """The header as it came; None when there was none."""
    body: bytes

    @property
    def by_influxdb(self) -> bool:
        """Whether InfluxDB itself judged the request. A proxy's 400 says nothing about our points."""
        return self.status in _REFUSALS and "code" in self._json

    @property
    def message(self) -> str:
        """What the answer says, cut to a length that fits a log line."""
        message = self._json.get("message") or self.body.decode(errors="replace")
        return str(message)[:_SHOWN_CHARACTERS]

    @property
    def _json(self) -> dict[str, object]:
        try:
            answer = json.loads(self.body)
        except ValueError:
            return {}
        return answer if isinstance(answer, dict) else {}


class PointsRefusedError(Exception):
    """InfluxDB will not take some of the points of a write; the answer does not say which."""

    def __init__(self, message: str, *, dropped: int | None = None) -> None:
        super().__init__(message)
        self.dropped = dropped
        """At least so many were not stored; None when the answer gives no number."""


class WriteTooLargeError(Exception):
    """The body of a write is larger than the server, or a proxy before it, takes."""


def write_error(refusal: Refusal) -> Exception:
    """The error that an answer to a write means."""
    if refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return WriteTooLargeError(refusal.message)
    if refusal.by_influxdb:
        dropped = _DROPPED.search(refusal.message)
        return PointsRefusedError(refusal.message, dropped=int(dropped[1]) if dropped else None)
    return unavailable(refusal)


def no_answer(error: Exception) -> RetryableError:
    """The error of a request that was not answered."""
    return RetryableError(f"InfluxDB does not answer: {str(error) or type(error).__name__}")


def unavailable(refusal: Refusal) -> RetryableError:
    """The error of any other answer, which may be another one once the server or the settings are mended.

    Among them a 400 to a query: InfluxDB also says that when the organisation does not exist.
    """
    meaning = _CONFIGURATION.get(refusal.status, "it cannot do this now")
    return RetryableError(
        f"InfluxDB answered {refusal.status}, {meaning}: {refusal.message}",
        retry_after=_delay(refusal.retry_after),
    )


def _delay(retry_after: str | None) -> timedelta | None:
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        # Cut to digits that a timedelta can hold: any number of them may come.
        delay = timedelta(seconds=int(retry_after[:9]))
    else:
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        # A date there is in GMT; one that says no zone is taken for that too.
        delay = (until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)
    return max(timedelta(0), min(delay, LONGEST_RETRY_AFTER))
