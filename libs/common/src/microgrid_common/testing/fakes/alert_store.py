"""The alert store in memory."""

from dataclasses import dataclass
from datetime import datetime

from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alert import Alert, AlertEvent, AlertStatus, AlertTransition
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.failing import FailsOnDemand


@dataclass(slots=True)
class _State:
    effective_at: datetime
    """Of the last transition."""
    active: Alert | None


class FakeAlertStore(FailsOnDemand):
    """Implements `AlertStore`. Every alert as it stands is in `alerts`, every transition in `events`.

    Args:
        log: where the `alerts` stream is; a log of its own by default.
    """

    def __init__(self, log: FakeDurableLog | None = None) -> None:
        super().__init__()
        self.log = log or FakeDurableLog()
        self.alerts: dict[str, Alert] = {}
        self.events: list[AlertEvent] = []
        self._states: dict[tuple[str, str, str], _State] = {}

    async def raise_alert(self, wanted: AlertToRaise) -> Alert | None:
        """As `AlertStore.raise_alert`."""
        self._may_fail()
        key = (wanted.grid_id, wanted.device_id, wanted.rule_id)
        state = self._states.get(key)
        if state and (state.active or wanted.effective_at <= state.effective_at):
            return None
        alert = wanted.as_alert(f"alert-{len(self.alerts) + 1}")
        await self._keep(alert, AlertTransition.RAISED, wanted.raised_at)
        self._states[key] = _State(wanted.effective_at, alert)
        return alert

    async def clear_alert(
        self, grid_id: str, device_id: str, rule_id: str, *, cleared_at: datetime, effective_at: datetime
    ) -> Alert | None:
        """As `AlertStore.clear_alert`."""
        self._may_fail()
        state = self._states.get((grid_id, device_id, rule_id))
        if not state or not state.active or effective_at <= state.effective_at:
            return None
        alert = state.active.model_copy(update={"status": AlertStatus.RESOLVED, "cleared_at": cleared_at})
        await self._keep(alert, AlertTransition.CLEARED, cleared_at)
        state.effective_at, state.active = effective_at, None
        return alert

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """As `AlertStore.active_alerts`."""
        self._may_fail()
        active = [
            alert
            for alert in self.alerts.values()
            if alert.status is AlertStatus.ACTIVE and grid_id in (None, alert.grid_id)
        ]
        return sorted(active, key=lambda alert: (alert.raised_at, alert.number), reverse=True)

    async def ping(self) -> None:
        """As `AlertStore.ping`."""
        self._may_fail()

    async def _keep(self, alert: Alert, transition: AlertTransition, at: datetime) -> None:
        event = AlertEvent(transition=transition, at=at, alert=alert)
        await self.log.append([Record(ALERTS_STREAM, ALERT_EVENT_KIND, event.model_dump_json().encode())])
        self.alerts[alert.id] = alert
        self.events.append(event)
