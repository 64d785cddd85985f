"""Takes events of alarms, and the time, into the ledger of deliveries."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError

from microgrid_alert_engine.notifier.planning import plan_event, plan_follow_up
from microgrid_alert_engine.notifier.settings_watch import REDIS, SettingsWatch
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.delivery_log import DeliveryLog, DeliveryPlan
from microgrid_common.ports.durable_log import Entry
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import AlertEvent, AlertTransition
from microgrid_common.schemas.streams import ALERT_EVENT_KIND

log = structlog.get_logger()

_STEPS_AT_ONCE: Final = 200


class Intake:
    """Plans deliveries. Everything may come again after a crash: the ledger knows what it has.

    Args:
        settings: whom to tell.
        deliveries: the ledger.
        records: where alarms are looked up.
        clock: the time, aware.
        planned: called when there is something new to send.
    """

    def __init__(
        self,
        *,
        settings: SettingsWatch,
        deliveries: DeliveryLog,
        records: AlertRecords,
        clock: Callable[[], datetime],
        planned: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._deliveries = deliveries
        self._records = records
        self._clock = clock
        self._planned = planned

    async def take(self, entry: Entry) -> None:
        """Plan what an entry of the alerts stream asks for; when it returns the entry can be acknowledged."""
        if entry.kind != ALERT_EVENT_KIND:
            return
        try:
            event = AlertEvent.model_validate_json(entry.data)
        except ValidationError as error:
            # Written by a newer engine: what other alarms say waits behind this one.
            log.error("alert_event_unreadable", entry=entry.id, problems=error.error_count())  # noqa: TRY400
            return
        cleared = event.transition is AlertTransition.CLEARED
        told = (
            await until_it_works(lambda: self._deliveries.of_alert(event.alert.id), dependency=REDIS)
            if cleared
            else []
        )
        await self._record(
            _planned_by(
                lambda: plan_event(event, self._settings.current, told=told, now=self._clock()),
                DeliveryPlan(event.alert.id),
            )
        )

    async def escalate(self) -> None:
        """Make the steps of escalations that are due."""
        due = await until_it_works(
            lambda: self._deliveries.due_follow_ups(self._clock(), limit=_STEPS_AT_ONCE), dependency=REDIS
        )
        for follow_up in due:
            alert = await until_it_works(
                lambda: self._records.get(follow_up.alert_id),  # noqa: B023 - awaited here
                dependency=REDIS,
            )
            plan = _planned_by(
                lambda: plan_follow_up(follow_up, alert, self._settings.current, now=self._clock()),  # noqa: B023
                DeliveryPlan(follow_up.alert_id, stops_escalation=True),
            )
            await self._record(plan)

    async def _record(self, plan: DeliveryPlan) -> None:
        new = await until_it_works(lambda: self._deliveries.record(plan), dependency=REDIS)
        if new:
            log.info("notifications_planned", alert_id=plan.alert_id, deliveries=len(new))
            self._planned()


def _planned_by(make_plan: Callable[[], DeliveryPlan], otherwise: DeliveryPlan) -> DeliveryPlan:
    try:
        return make_plan()
    except Exception:
        # A fault of ours about one alarm: what is to be told about the others waits behind it.
        log.exception("notification_planning_failed", alert_id=otherwise.alert_id)
        return otherwise
