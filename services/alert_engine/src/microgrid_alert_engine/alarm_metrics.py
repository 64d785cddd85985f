"""What Prometheus is told about alarms: how many come, and how many last, by grid and severity."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final

from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.grid_labels import GridLabels
from microgrid_common.schemas.alert import AlertEvent, AlertTransition, Severity

_INTERVAL: Final = timedelta(seconds=30)
"""All active alarms are read each time; a flood has thousands."""

_LABELS: Final = GridLabels()
"""Of this process, as the figures are."""


def count_event(event: AlertEvent) -> None:
    """Count what happened to an alarm."""
    metrics.ALERT_TRANSITIONS.labels(transition=event.transition.value).inc()
    if event.transition is AlertTransition.RAISED and event.alert.annunciated:
        severity = event.alert.severity.value
        metrics.ALARMS_RAISED.labels(grid_id=_LABELS.of(event.alert.grid_id), severity=severity).inc()


async def sample_alarms(records: AlertRecords) -> None:
    """Count active alarms until cancelled; while the store is away the last figures stay.

    Every replica counts the same alarms, so take the maximum over replicas, not the sum.
    """
    shown: set[str] = set()
    while True:
        alerts = await until_it_works(records.active_alerts, dependency="redis")
        counts = Counter((_LABELS.of(alert.grid_id), alert.severity) for alert in alerts)
        # A grid that had alarms goes on being shown, with none.
        shown |= {label for label, _ in counts}
        for label in shown:
            for severity in Severity:
                gauge = metrics.ALARMS_ACTIVE.labels(grid_id=label, severity=severity.value)
                gauge.set(counts[label, severity])
        await asyncio.sleep(_INTERVAL.total_seconds())
