"""Publishes what happens to alerts over MQTT, for whoever listens."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError

from microgrid_common.ports.alert_records import AlertQuery, AlertRecords
from microgrid_common.ports.durable_log import Entry, LogConsumer
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import Alert, AlertEvent, Severity
from microgrid_common.schemas.alert_announcement import MOST_ACTIVE_ALERTS, AlertAnnouncement, AlertSummary
from microgrid_common.schemas.topics import grid_alerts_topic

log = structlog.get_logger()

ANNOUNCER_GROUP: Final = "announcer"

_ENTRIES_PER_READ: Final = 100
_WAIT: Final = timedelta(seconds=1)


class Announcer:
    """Publishes every event, and a retained summary after the last one of a batch.

    Args:
        consumer: its place in the consumer group of the `alerts` stream.
        records: where the active alerts are.
        publisher: the broker.
        clock: the time, aware.
    """

    def __init__(
        self,
        consumer: LogConsumer,
        *,
        records: AlertRecords,
        publisher: MessagePublisher,
        clock: Callable[[], datetime],
    ) -> None:
        self._consumer = consumer
        self._records = records
        self._publisher = publisher
        self._clock = clock

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            entries = await until_it_works(
                lambda: self._consumer.read(count=_ENTRIES_PER_READ, wait=_WAIT), dependency="redis"
            )
            if entries:
                await self.announce(entries)
                await until_it_works(lambda: self._consumer.acknowledge(entries), dependency="redis")  # noqa: B023 - awaited here

    async def announce(self, entries: Sequence[Entry]) -> None:
        """Publish entries of the `alerts` stream; waits for the broker."""
        changed: dict[str, None] = {}
        for entry in entries:
            try:
                event = AlertEvent.model_validate_json(entry.data)
            except ValidationError:
                # Written by a newer engine, whose own announcer publishes it.
                log.exception("alert_event_unreadable", entry=entry.id)
                continue
            told = AlertAnnouncement(type="event", id=entry.id, **dict(event))
            await self._publish(event.alert.grid_id, told, retain=False)
            changed[event.alert.grid_id] = None
        for grid_id in changed:
            summary = await until_it_works(partial(self._summary, grid_id), dependency="redis")
            await self._publish(grid_id, summary, retain=True)

    async def _summary(self, grid_id: str) -> AlertSummary:
        counts = await self._records.count_active(grid_id)
        active: list[Alert] = []
        for severity in reversed(Severity):
            left = MOST_ACTIVE_ALERTS - len(active)
            if left and severity in counts:
                query = AlertQuery(grid_id=grid_id, annunciated=True, severity=severity, limit=left)
                active += (await self._records.find(query)).alerts
        return AlertSummary(
            type="summary", at=self._clock(), grid_id=grid_id, active=tuple(active), counts=counts
        )

    async def _publish(self, grid_id: str, told: AlertAnnouncement | AlertSummary, *, retain: bool) -> None:
        payload = told.model_dump_json(exclude_defaults=True).encode()
        topic = grid_alerts_topic(grid_id)
        await until_it_works(
            lambda: self._publisher.publish(topic, payload, retain=retain), dependency="mqtt"
        )
