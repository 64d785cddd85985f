"""The store of alert records, as people look at them: found by state, grid, device, severity and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from microgrid_common.schemas.alert import Alert, AlertStatus, Severity

LARGEST_PAGE = 500


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


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Some alerts, the newest first: by `raised_at`, then by number."""

    alerts: Sequence[Alert]
    cursor: str | None
    """To go on with; None when there are no more. What is raised meanwhile does not shift what follows."""


class BadCursorError(ValueError):
    """A cursor is not one that this store has given."""


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
