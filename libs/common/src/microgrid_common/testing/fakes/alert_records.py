"""The alert records in memory."""

from collections import Counter
from datetime import datetime

from microgrid_common.ports.alert_records import AlertPage, AlertQuery, check_cursor, position_of
from microgrid_common.schemas.alert import AlarmState, Alert, AlertStatus, Severity
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeAlertRecords(FailsOnDemand):
    """Implements `AlertRecords`.

    Args:
        states: what writes the records; one of its own, without any, by default.
    """

    def __init__(self, states: FakeAlarmStates | None = None) -> None:
        super().__init__()
        self.states = states or FakeAlarmStates()

    async def get(self, alert_id: str) -> Alert | None:
        """As `AlertRecords.get`."""
        self._may_fail()
        return self.states.alerts.get(alert_id)

    async def find(self, query: AlertQuery) -> AlertPage:
        """As `AlertRecords.find`."""
        self._may_fail()
        check_cursor(query.cursor)
        found = _newest_first([alert for alert in self.states.alerts.values() if query.matches(alert)])
        rest = [alert for alert in found if query.cursor is None or position_of(alert) < query.cursor]
        page = rest[: query.limit]
        return AlertPage(page, position_of(page[-1]) if len(rest) > len(page) else None)

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """As `AlertRecords.active_alerts`."""
        self._may_fail()
        return _newest_first(
            [
                alert
                for alert in self.states.alerts.values()
                if alert.annunciated and grid_id in (None, alert.grid_id)
            ]
        )

    async def count_active(self, grid_id: str) -> dict[Severity, int]:
        """As `AlertRecords.count_active`."""
        self._may_fail()
        of_grid = [alert for alert in self.states.alerts.values() if alert.grid_id == grid_id]
        return Counter(alert.severity for alert in of_grid if alert.annunciated)

    async def put_aside_alerts(self) -> list[Alert]:
        """As `AlertRecords.put_aside_alerts`."""
        self._may_fail()
        lasting = [alert for alert in self.states.alerts.values() if alert.status is AlertStatus.ACTIVE]
        return _newest_first([alert for alert in lasting if not alert.annunciated])

    async def forget(self, before: datetime, *, limit: int) -> int:
        """As `AlertRecords.forget`."""
        self._may_fail()
        over = [
            (alert.cleared_at, alert.id)
            for alert in self.states.alerts.values()
            if alert.state is AlarmState.NORMAL and alert.cleared_at and alert.cleared_at < before
        ]
        for _, identifier in sorted(over)[:limit]:
            del self.states.alerts[identifier]
        return len(over[:limit])

    async def ping(self) -> None:
        """As `AlertRecords.ping`."""
        self._may_fail()


def _newest_first(alerts: list[Alert]) -> list[Alert]:
    return sorted(alerts, key=lambda alert: (alert.raised_at, alert.number), reverse=True)
