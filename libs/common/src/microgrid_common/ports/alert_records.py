"""The store of alert records, as people look at them: found by state, grid, device, severity and time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from microgrid_common.schemas.alert import Alert, AlertStatus, Severity

LARGEST_PAGE = 500

_BEGINNING_OF_TIME = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_POSITION = re.compile(r"[0-9]{18}-[0-9]{15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """Which alerts; those that match everything that is given."""

    grid_id: str
    status: AlertStatus | None = None
    annunciated: bool | None = None
    """True: only those that last and are not put aside; False: only the others. See `Alert.annunciated`."""
    severity: Severity | None = None
    device_id: str | None = None
    rule_id: str | None = None
    start: datetime | None = None
    """Raised at this time or later; aware."""
    end: datetime | None = None
    """Raised before this time; aware."""
    limit: int = 50
    """1 to `LARGEST_PAGE`."""
    cursor: str | None = None
    """What `AlertPage.cursor` said."""

    def matches(self, alert: Alert) -> bool:
        """Whether an alert is wanted, on whatever page."""
        return (
            self.grid_id == alert.grid_id
            and self.status in (None, alert.status)
            and self.annunciated in (None, alert.annunciated)
            and self.severity in (None, alert.severity)
            and self.device_id in (None, alert.device_id)
            and self.rule_id in (None, alert.rule_id)
            and (self.start is None or self.start <= alert.raised_at)
            and (self.end is None or alert.raised_at < self.end)
        )


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Some alerts, the newest first: by `raised_at`, then by number."""

    alerts: Sequence[Alert]
    cursor: str | None
    """To go on with; None when there are no more. What is raised meanwhile does not shift what follows."""


class BadCursorError(ValueError):
    """A cursor is not one that this store has given."""


def position_of(alert: Alert) -> str:
    """Where an alert stands among those of its grid: the order of these texts is that of the alerts.

    It also is the cursor of a page that ends with it.
    """
    return f"{positions_from(alert.raised_at)}-{alert.number:015}"


def positions_from(time: datetime) -> str:
    """What comes after the positions of all alerts raised before a time, and before all others.

    Args:
        time: aware.
    """
    return f"{max(0, (time - _BEGINNING_OF_TIME) // _MICROSECOND):018}"


def check_cursor(cursor: str | None) -> None:
    """Return if a cursor can be one.

    Raises:
        BadCursorError: it cannot.
    """
    if cursor is not None and not _POSITION.fullmatch(cursor):
        raise BadCursorError("this is not a cursor of the alerts")


class AlertRecords(Protocol):
    """Finds alerts; they are written by `AlarmStates.commit`."""

    async def get(self, alert_id: str) -> Alert | None:
        """One alert; None when there is none, or none any more.

        Raises:
            RetryableError: the store is away.
        """

    async def find(self, query: AlertQuery) -> AlertPage:
        """A page of alerts.

        Raises:
            BadCursorError: the cursor is not one of this store's.
            RetryableError: the store is away.
        """

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """All annunciated alerts of one grid, or of all, the newest first.

        Raises:
            RetryableError: the store is away.
        """

    async def count_active(self, grid_id: str) -> dict[Severity, int]:
        """How many annunciated alerts a grid has, by severity; those without any are left out.

        It takes no longer when there are many.

        Raises:
            RetryableError: the store is away.
        """

    async def put_aside_alerts(self) -> list[Alert]:
        """All alerts of all grids that last and are not annunciated, the newest first.

        Raises:
            RetryableError: the store is away.
        """

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Drop records that ended before a time and need no acknowledgement any more; at most `limit`.

        Returns:
            How many were dropped.

        Raises:
            RetryableError: the store is away; some may be dropped.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
