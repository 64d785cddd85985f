"""The store of alerts, which also decides whether there is one already."""

from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.alert import Alert, AlertSource, AlertStatus, Severity
from microgrid_common.schemas.identifiers import Identifier


class AlertToRaise(BaseModel):
    """An alert that somebody wants to raise."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    rule_id: str
    severity: Severity
    message: str
    source: AlertSource
    raised_at: AwareDatetime
    """What the operator sees: the time of measurement, or of the device's message."""
    effective_at: AwareDatetime
    """What decides about earlier and later: see `Reading.effective_at`."""
    metrics: dict[str, float] = {}

    def as_alert(self, alert_id: str) -> Alert:
        """The alert that this becomes when it is raised."""
        return Alert(
            id=alert_id,
            grid_id=self.grid_id,
            device_id=self.device_id,
            rule_id=self.rule_id,
            severity=self.severity,
            message=self.message,
            status=AlertStatus.ACTIVE,
            source=self.source,
            raised_at=self.raised_at,
            metrics=self.metrics,
        )


class AlertStore(Protocol):
    """Keeps alerts; at most one is active for one (grid, device, rule) at any time.

    Each transition is one atomic step with the entry that it appends to the `alerts` stream.
    """

    async def raise_alert(self, wanted: AlertToRaise) -> Alert | None:
        """Raise an alert unless one is active for the same grid, device and rule.

        Returns:
            The alert that is now active; None when one was active already, or when `effective_at` is not
            after the last transition there (a redelivered or late reading).

        Raises:
            RetryableError: the store is away; it may or may not have happened, and calling again is safe.
        """

    async def clear_alert(
        self, grid_id: str, device_id: str, rule_id: str, *, cleared_at: datetime, effective_at: datetime
    ) -> Alert | None:
        """Clear the active alert of a grid, device and rule.

        Returns:
            The alert as it is resolved now; None when none was active, or when `effective_at` is not after
            the time at which it was raised.

        Raises:
            RetryableError: as `raise_alert`.
        """

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """The active alerts of one grid, or of all; the newest first.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
