"""What the end of a delay does: it raises the alarm of a rule, or ends it."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import AlertSource, RaisingReading, Suppression
from microgrid_common.transforms.alarms import delays
from microgrid_common.transforms.alarms.conditions import CompiledRule
from microgrid_common.transforms.alarms.documents import (
    AlarmPoint,
    DeviceAlarms,
    GridAlarms,
    Moment,
    Pending,
)
from microgrid_common.transforms.alarms.lifecycle import AlarmLife, Episode, active_alert, is_raised
from microgrid_common.transforms.alarms.message import render
from microgrid_common.transforms.alarms.rule_plan import RulePlan
from microgrid_common.transforms.alarms.suppression import suppression_of


class Raising:
    """Takes what was judged through the delays of a rule into the life of its alarm.

    Args:
        life: of the grid's alarms.
        grid_id: the grid.
        grid: its document.
        devices: the documents of the devices that are worked on.
        plan: the rules in force.
        parents: device → the gateway that it reports through.
    """

    def __init__(
        self,
        life: AlarmLife,
        *,
        grid_id: str,
        grid: GridAlarms,
        devices: Mapping[str, DeviceAlarms],
        plan: RulePlan,
        parents: Mapping[str, str],
    ) -> None:
        self._grid_id = grid_id
        self._grid = grid
        self._devices = devices
        self._life = life
        self._plan = plan
        self._parents = parents

    def judged(self, device_id: str, point: AlarmPoint, rule: AlarmRule, now: Moment, *, holds: bool) -> None:
        """The condition of a rule was judged: it holds, or not."""
        delays.judged(point, rule, now, holds=holds, complete=partial(self._complete, device_id, rule))

    def ticked(self, device_id: str, point: AlarmPoint, rule: AlarmRule, at: datetime) -> None:
        """The clock says that it is `at`."""
        delays.ticked(point, at, partial(self._complete, device_id, rule))

    def suppression(self, device_id: str, rule: CompiledRule | None, at: datetime) -> Suppression | None:
        """Why an alarm is suppressed by design at a time; None when it is not.

        Without a rule it is one of a device's own notices.
        """
        return suppression_of(
            self._grid,
            self._plan,
            grid_id=self._grid_id,
            device_id=device_id,
            component=self._devices[device_id].component,
            parent_id=self._parents.get(device_id),
            on_silence=rule is not None and rule.silence_of is not None,
            at=at,
        )

    def _complete(
        self, device_id: str, rule: AlarmRule, point: AlarmPoint, pending: Pending, shown_by: Moment
    ) -> None:
        at = delays.over_at(pending)
        if is_raised(point):
            point.noticed_at = None
            self._life.end(device_id, point, at, latching=rule.latching)
        elif active_alert(point):
            self._life.resume(device_id, point)
        else:
            self._raise(device_id, rule, at, pending.began, shown_by)

    def _raise(self, device_id: str, rule: AlarmRule, at: datetime, began: Moment, shown_by: Moment) -> None:
        device = self._devices[device_id]
        moments = (began,) if shown_by is began else (began, shown_by)
        episode = Episode(
            rule_id=rule.rule_id,
            rule_version=rule.version,
            type=rule.condition.type,
            severity=rule.severity,
            message=render(
                rule.message,
                grid_id=self._grid_id,
                device_id=device_id,
                component=device.component,
                metrics=moments[-1].metrics,
            ),
            recommended_action=rule.recommended_action,
            source=AlertSource.RULE,
            raised_at=at,
            readings=tuple(
                RaisingReading(timestamp=moment.timestamp, metrics=moment.metrics) for moment in moments
            ),
            first_out_group=rule.first_out_group,
            calmed=rule.chattering_delay,
        )
        rules = self._plan.for_device(self._grid_id, device_id, device.device_type, device.component)
        compiled = rules.by_id.get(rule.rule_id)
        self._life.begin(device_id, episode, self.suppression(device_id, compiled, at))
