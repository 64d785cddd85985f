"""From entries of the log to alarms: what a reading, a notice, a link's change or a tick does in a grid."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from microgrid_common.schemas.alarm_rule import Quality
from microgrid_common.schemas.alert import Alert, AlertSource, Severity
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.tick import Tick
from microgrid_common.transforms.alarms.changes import Changes
from microgrid_common.transforms.alarms.conditions import CompiledRule, RuleFailedError
from microgrid_common.transforms.alarms.delays import rests
from microgrid_common.transforms.alarms.documents import (
    AlarmPoint,
    DeviceAlarms,
    GridAlarms,
    Moment,
    Sample,
)
from microgrid_common.transforms.alarms.failed_rules import failures_in, keep_failure
from microgrid_common.transforms.alarms.judged import is_late, newest_with, remember
from microgrid_common.transforms.alarms.lifecycle import AlarmLife, Episode, active_alert, is_raised
from microgrid_common.transforms.alarms.noticed import remember_notice, rule_id_of_message
from microgrid_common.transforms.alarms.raising import Raising
from microgrid_common.transforms.alarms.rule_plan import DeviceRules, RulePlan
from microgrid_common.transforms.alarms.silence import links_changed, silence_holds
from microgrid_common.transforms.alarms.suppression import children_of, parent_changed
from microgrid_common.transforms.alarms.timers import next_timer

_UNCERTAIN = frozenset({Flag.CLOCK_REPLACED, Flag.NULL_DROPPED, Flag.DEFECT_DROPPED})


class GridEvaluation:
    """Works on the documents of one grid, in place: they are to be thrown away when they cannot be stored.

    Args:
        grid_id: the grid.
        grid: its document.
        devices: the documents of all devices that what comes concerns; for a change of a link also those of
            the devices that report through that one.
        plan: the rules in force.
        parents: device → the gateway that it reports through.
        notice_quiet: an alarm that rests on a device's notices alone ends after so long without one.
    """

    def __init__(
        self,
        grid_id: str,
        grid: GridAlarms,
        devices: dict[str, DeviceAlarms],
        plan: RulePlan,
        *,
        parents: Mapping[str, str],
        notice_quiet: timedelta,
    ) -> None:
        self._grid_id = grid_id
        self._grid = grid
        self._devices = devices
        self._plan = plan
        self._parents = parents
        self._children = children_of(parents)
        self._notice_quiet = notice_quiet
        self.changes = Changes()
        """What is to be stored."""
        self.failures = failures_in(grid, plan)
        """The rules that failed in this grid, by id; each is left alone from then on."""
        self._life = AlarmLife(grid_id, grid, devices, self.changes)
        self._raising = Raising(
            self._life, grid_id=grid_id, grid=grid, devices=devices, plan=plan, parents=parents
        )
        self._alerts_taken = 0

    def on_reading(self, reading: Reading) -> None:
        """A device measured something."""
        device = self._devices[reading.device_id]
        metrics, at = reading.metrics, reading.effective_at
        rules = self._plan.for_device(
            self._grid_id, reading.device_id, reading.device_type, reading.component
        )
        late = device.newest is not None and at <= device.newest
        judging: Sequence[CompiledRule] | None = None
        if late:
            # Judged before it is remembered: for some of its metrics it may be news.
            judging = [rule for rule in rules.judging(metrics) if not is_late(device, rule.metrics, at)]
        if not remember(device, metrics, at):
            return
        self.changes.devices.add(reading.device_id)
        if (device.device_type, device.component) != (reading.device_type, reading.component):
            device.device_type, device.component = reading.device_type, reading.component
            self._end_withdrawn(reading.device_id, device, rules, at)
        if judging is None:
            judging = rules.worth_judging(metrics, device.points)
        if judging:
            moment = Moment(reading.timestamp, at, reading.received_at, metrics)
            good = _UNCERTAIN.isdisjoint(reading.flags)
            for rule in judging:
                if good or rule.rule.minimum_quality is not Quality.GOOD:
                    self._judge(reading.device_id, device, rule, moment)
        if rules.watched_metrics:
            self._heard(reading, device, rules)
        self._settle(reading.device_id, device, rules, reading.received_at)

    def on_notice(self, notice: DeviceNotice) -> None:
        """A device raised an alert by itself.

        Whether it contradicts a reading is decided by the order of arrival: a device publishes its data
        first and then what it thinks of them, so a notice speaks of the newest reading before it. When the
        rule has found that reading normal, the notice is a late or repeated one of an episode that is over.
        """
        device_id, at = notice.device_id, notice.received_at
        device = self._devices[device_id]
        where = self._grid_id, device_id, device.device_type, device.component
        rule = self._plan.with_message(*where, notice.message)
        rule_id = rule.rule_id if rule else rule_id_of_message(notice.message)
        if not remember_notice(device, rule_id, at):
            return
        point = device.points.get(rule_id) or AlarmPoint()
        self.changes.devices.add(device_id)
        if is_raised(point):
            if point.noticed_at is not None:
                point.noticed_at = max(point.noticed_at, at)
            return
        compiled = self._plan.for_device(*where).by_id.get(rule_id)
        judged_at = newest_with(device, compiled.metrics) if compiled and compiled.metrics else None
        # A reading of long ago says nothing against what the device says now.
        if judged_at is not None and at - judged_at < self._notice_quiet:
            return
        device.points[rule_id] = point
        point.holds, point.pending, point.noticed_at = True, None, at
        if active_alert(point):
            self._life.resume(device_id, point)
        else:
            episode = Episode(
                rule_id=rule_id,
                rule_version=rule.version if rule else None,
                type=rule.condition.type if rule else "notice",
                severity=rule.severity if rule else Severity.WARNING,
                message=notice.message,
                recommended_action=rule.recommended_action if rule else "",
                source=AlertSource.DEVICE,
                raised_at=at,
            )
            self._life.begin(device_id, episode, self._raising.suppression(device_id, None, at))
        self._judge_silence(device_id, device, at)
        self._settle(device_id, device, self._plan.for_device(*where), at)

    def on_link(self, event: LinkEvent) -> None:
        """The link of a device changed."""
        device_id, at = event.device_id, event.at
        device = self._devices[device_id]
        if not links_changed(device, event):
            return
        self.changes.devices.add(device_id)
        if self._parent_changed(device_id, device, at):
            for child in self._children.get(device_id, ()):
                self._judge_silence(child, self._devices[child], at)
                self._settle(child, self._devices[child], self._rules_of(child), at)
                if self._devices[child].points:
                    # Not before its timer is set anew may what the parent suppressed come back.
                    self.changes.devices.add(child)
        self._judge_silence(device_id, device, at)
        self._settle(device_id, device, self._rules_of(device_id), at)

    def on_tick(self, tick: Tick) -> None:
        """The clock tells the time to some devices."""
        for device_id in tick.device_ids:
            device = self._devices[device_id]
            rules = self._rules_of(device_id)
            self.changes.devices.add(device_id)
            # While it was down it may have been given its first child, or have lost its last one.
            self._parent_changed(device_id, device, tick.at)
            # First: the delay of a silence that is found only now may be over too.
            self._judge_silence(device_id, device, tick.at)
            for rule_id, point in list(device.points.items()):
                self._tick(device_id, point, rules.by_id.get(rule_id), tick.at)
            self._end_withdrawn(device_id, device, rules, tick.at)
            self._settle(device_id, device, rules, tick.at)

    def timer_of(self, device_id: str) -> datetime | None:
        """When the clock may next change something of a device that was worked on; None for never."""
        device = self._devices[device_id]
        rules = self._rules_of(device_id)
        if not device.points and not rules.watched_metrics:
            return None
        return next_timer(
            device,
            rules,
            self._grid,
            parent_id=self._parents.get(device_id),
            window_edge=partial(self._plan.next_window_edge, self._grid_id, device_id, device.component),
            notice_quiet=self._notice_quiet,
            now=device.told_at,
        )

    def take_alerts(self) -> list[Alert]:
        """The alerts that have changed since the last call, as each was after each change."""
        taken = [event.alert for event in self.changes.events[self._alerts_taken :]]
        self._alerts_taken = len(self.changes.events)
        return taken

    def _parent_changed(self, device_id: str, device: DeviceAlarms, at: datetime) -> bool:
        changed = parent_changed(self._grid, device_id, device, is_parent=device_id in self._children, at=at)
        self.changes.grid_changed |= changed
        return changed

    def _rules_of(self, device_id: str) -> DeviceRules:
        device = self._devices[device_id]
        return self._plan.for_device(self._grid_id, device_id, device.device_type, device.component)

    def _judge(self, device_id: str, device: DeviceAlarms, rule: CompiledRule, now: Moment) -> None:
        rule_id = rule.rule.rule_id
        if rule_id in self.failures:
            return
        point = device.points.get(rule_id)
        sample = None if rule.change_of is None else Sample(now.effective_at, now.metrics[rule.change_of])
        try:
            holds = _holds(point, rule, now, sample)
        except RuleFailedError as failure:
            self.failures[rule_id] = failure
            keep_failure(self._grid, self._plan, failure)
            self.changes.grid_changed = True
            return
        if point is None:
            if not holds and sample is None:
                return
            point = device.points[rule_id] = AlarmPoint()
        if sample is not None:
            point.previous = sample
        if holds:
            # From here on the readings decide when it ends.
            point.noticed_at = None
        elif holds is None or rests(point):
            return
        self._raising.judged(device_id, point, rule.rule, now, holds=holds)

    def _heard(self, reading: Reading, device: DeviceAlarms, rules: DeviceRules) -> None:
        for metric in rules.watched_metrics.intersection(reading.metrics):
            heard = device.heard.get(metric)
            device.heard[metric] = reading.received_at if heard is None else max(heard, reading.received_at)
        self._judge_silence(reading.device_id, device, reading.received_at)

    def _judge_silence(self, device_id: str, device: DeviceAlarms, at: datetime) -> None:
        # An older tick that comes again, or of a clock that is behind, brings nothing back.
        at = max(device.told_at or at, at)
        for rule in self._rules_of(device_id).on_silence:
            since = silence_holds(device, rule, at)
            point = device.points.get(rule.rule.rule_id)
            if since is None and point is None:
                continue
            if point is None:
                point = device.points[rule.rule.rule_id] = AlarmPoint()
            began = at if since is None else since
            moment = Moment(began, began, began, {})
            self._raising.judged(device_id, point, rule.rule, moment, holds=since is not None)

    def _tick(self, device_id: str, point: AlarmPoint, rule: CompiledRule | None, at: datetime) -> None:
        if point.shelved is not None and at >= point.shelved.until:
            self._life.unshelve(device_id, point, at=at, by=None)
        if point.noticed_at is not None and at - point.noticed_at >= self._notice_quiet:
            point.noticed_at, point.holds, point.pending = None, False, None
            self._life.end(device_id, point, at)
        if rule is not None:
            self._raising.ticked(device_id, point, rule.rule, at)

    def _end_withdrawn(self, device_id: str, device: DeviceAlarms, rules: DeviceRules, at: datetime) -> None:
        """End what no rule judges any more, unless the device itself said it."""
        for rule_id, point in device.points.items():
            if rule_id in rules.by_id or _is_platforms(point):
                continue
            point.pending, point.previous = None, None
            if point.noticed_at is None:
                point.holds = False
                self._life.end(device_id, point, at)

    def _settle(self, device_id: str, device: DeviceAlarms, rules: DeviceRules, at: datetime) -> None:
        """Suppress what follows from something that is known, and drop what has nothing to remember."""
        if not device.points:
            return
        device.told_at = at = max(device.told_at or at, at)
        for rule_id, point in list(device.points.items()):
            if active_alert(point):
                suppression = self._raising.suppression(device_id, rules.by_id.get(rule_id), at)
                self._life.suppress(device_id, point, suppression, at=at)
            elif point.previous is None and point.alert is None and point == AlarmPoint():
                del device.points[rule_id]


def _holds(point: AlarmPoint | None, rule: CompiledRule, now: Moment, sample: Sample | None) -> bool | None:
    held = point is not None and point.holds
    if sample is not None:
        return rule.judge_change(point.previous if point else None, sample, held)
    return rule.stays(now.metrics) if held else rule.enters(now.metrics)


def _is_platforms(point: AlarmPoint) -> bool:
    return point.alert is not None and point.alert.source is AlertSource.PLATFORM
