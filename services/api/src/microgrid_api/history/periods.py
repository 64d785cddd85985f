"""Which time is asked about: as long as one says until now, or from one time to another."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from microgrid_api.history.prototype_history import MAXIMUM_PERIOD, PERIOD_RULE, parse_period

INTERVAL_RULE: Final = (
    f"{PERIOD_RULE}; or an ISO 8601 interval of at most 366d, start/end or start/duration, with an offset "
    "from UTC (a + in an address is written %2B), such as 2026-11-01T00:00:00Z/P7D"
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MINUTE: Final = timedelta(minutes=1)
# The calendar of every time zone goes from here to there without trouble.
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
# Months and years are left out: they are not the same length twice.
_DURATION: Final = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,3})W)?(?:([0-9]{1,3})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,4})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Period:
    """From one time to another, which is not part of it."""

    start: datetime
    """Aware, UTC."""
    end: datetime
    """Aware, UTC."""
    ends_now: bool
    """Whether it is asked for by its length alone."""

    @property
    def length(self) -> timedelta:
        """How long it is; never zero."""
        return self.end - self.start

    @property
    def start_ms(self) -> int:
        """When it begins, in milliseconds since 1970."""
        return milliseconds(self.start)

    @property
    def end_ms(self) -> int:
        """When it ends, in milliseconds since 1970."""
        return milliseconds(self.end)

    def beginning_at(self, start_ms: int) -> "Period":
        """The same with another beginning, in milliseconds since 1970."""
        return replace(self, start=datetime.fromtimestamp(start_ms / 1000, UTC))


def milliseconds(time: datetime) -> int:
    """A time in milliseconds since 1970; what is less than one is cut off."""
    return (time - _EPOCH) // _MILLISECOND


def find_period(text: str, now: datetime) -> Period:
    """The time that a text such as `24h` or `2026-11-01T00:00:00Z/P7D` means.

    Args:
        text: of the form of `INTERVAL_RULE`.
        now: the present, aware; a length counts back from the end of this minute, so that who asks again
            within a minute asks for the same.

    Raises:
        ValueError: it is something else; the message says what is allowed.
    """
    if "/" not in text:
        length = parse_period(text)
        end = now.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
        return Period(end - length, end, ends_now=True)
    first, _, second = text.partition("/")
    start = _time(first)
    end = _after(start, second) if second.startswith("P") else _time(second)
    if not _EARLIEST <= start < end <= _LATEST or end - start > MAXIMUM_PERIOD:
        raise ValueError(f"Allowed: {INTERVAL_RULE}")
    return Period(start, end, ends_now=False)


def _time(text: str) -> datetime:
    try:
        return _whole_milliseconds(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise ValueError(f"Allowed: {INTERVAL_RULE}") from None


def _whole_milliseconds(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError("no offset")
    time = time.astimezone(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _after(start: datetime, duration: str) -> datetime:
    match = _DURATION.fullmatch(duration)
    if match is None or start > _LATEST:
        raise ValueError(f"Allowed: {INTERVAL_RULE}")
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return start + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _well_formed(text: str) -> str:
    try:
        find_period(text, _EARLIEST + MAXIMUM_PERIOD)
    except ValueError:
        raise PydanticCustomError("invalid_period", "Allowed: {rule}", {"rule": INTERVAL_RULE}) from None
    return text


PeriodText = Annotated[
    str,
    AfterValidator(_well_formed),
    WithJsonSchema({"type": "string", "maxLength": 100, "examples": ["24h", "2026-11-01T00:00:00Z/P7D"]}),
    Query(max_length=100, description=f"Which time: {INTERVAL_RULE}."),
]
"""A period as requests name it."""
