"""What work on the alarms of a grid has changed, in order."""

from datetime import datetime

from microgrid_common.schemas.alert import Alert, AlertEvent, AlertTransition


class Changes:
    """Collects what is to be stored together with the documents."""

    def __init__(self) -> None:
        self.grid_changed = False
        """Whether the grid's own document has changed."""
        self.devices: set[str] = set()
        """The devices whose documents have changed."""
        self.alerts: dict[str, Alert] = {}
        """Records that are new or changed, as they stand now, by id."""
        self.events: list[AlertEvent] = []

    def tell(self, transition: AlertTransition, at: datetime, alert: Alert, *, by: str | None = None) -> None:
        """An alert stands as it does after a transition."""
        self.alerts[alert.id] = alert
        self.events.append(AlertEvent(transition=transition, at=at, by=by, alert=alert))
