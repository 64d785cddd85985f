"""The life of alerts: what a reading, a device's notice or silence changes. Pure: no I/O, no clock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from microgrid_alert_engine.rules import Rule, RuleSet
from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.ports.evaluation_progress import RuleOnDevice
from microgrid_common.schemas.alert import Alert, AlertSource, Severity
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.reading import Reading


@dataclass(frozen=True, slots=True)
class AlertToClear:
    """An alert whose condition has ended."""

    grid_id: str
    device_id: str
    rule_id: str
    cleared_at: datetime
    """What the operator sees."""
    effective_at: datetime
    """What decides about earlier and later: see `Reading.effective_at`."""


Decision = AlertToRaise | AlertToClear


@dataclass(slots=True)
class _Device:
    judged_at: dict[str, datetime] = field(default_factory=dict)
    """Rule → `effective_at` of the newest reading that it has judged."""
    open: set[str] = field(default_factory=set)
    """The rules whose alert is active."""


class Lifecycle:
    """Knows which alerts are open, and decides what is to be raised and cleared.

    A decision changes nothing here until `carried_out` says that it was done: the store has the last word.

    Time is judged rule by rule and device by device. A reading that is not newer than the newest one that
    a rule has judged there is a repetition or late, and changes nothing; but one that only now brings a
    metric counts, whatever other readings of that device have come before.

    Args:
        rules: what to judge readings by.
        notice_quiet: an alert that rests on a device's notices alone ends after so long without one.
    """

    def __init__(self, rules: Iterable[Rule], *, notice_quiet: timedelta) -> None:
        self._rules = RuleSet(rules)
        self._notice_quiet = notice_quiet
        self._devices: dict[tuple[str, str], _Device] = {}
        self._noticed: dict[RuleOnDevice, datetime] = {}
        self._progressed: set[tuple[str, str]] = set()

    def restore(
        self, active: Iterable[Alert], progress: Mapping[RuleOnDevice, datetime], *, now: datetime
    ) -> None:
        """Go on where an earlier run stopped.

        Args:
            active: the alerts that are active in the store.
            progress: what was kept of `take_progress`.
            now: a notice counts as repeated now, since nothing is known of when it last was.
        """
        for (grid_id, device_id, rule_id), at in progress.items():
            self._device(grid_id, device_id).judged_at[rule_id] = at
        for alert in active:
            device = self._device(alert.grid_id, alert.device_id)
            device.open.add(alert.rule_id)
            judged_at = device.judged_at.get(alert.rule_id)
            confirmed = judged_at is not None and judged_at > alert.raised_at
            if alert.source is AlertSource.DEVICE and not confirmed:
                key = RuleOnDevice(alert.grid_id, alert.device_id, alert.rule_id)
                self._noticed[key] = max(now, alert.raised_at)

    def on_reading(self, reading: Reading) -> list[Decision]:
        """What a reading asks for."""
        judged = self._rules.judge(reading.metrics)
        if not judged:
            return []
        device = self._device(reading.grid_id, reading.device_id)
        effective_at = reading.effective_at
        decisions: list[Decision] = []
        for rule, holds in judged:
            newest = device.judged_at.get(rule.rule_id)
            if newest is not None and effective_at <= newest:
                continue
            device.judged_at[rule.rule_id] = effective_at
            self._progressed.add((reading.grid_id, reading.device_id))
            is_open = rule.rule_id in device.open
            if holds and not is_open:
                decisions.append(_raise_by_reading(rule, reading))
            elif is_open and not holds:
                decisions.append(_clear_by_reading(rule, reading))
            elif is_open and self._noticed:
                # From here on the readings decide when it ends.
                self._noticed.pop(RuleOnDevice(reading.grid_id, reading.device_id, rule.rule_id), None)
        return decisions

    def on_notice(self, notice: DeviceNotice, *, now: datetime) -> Decision | None:
        """What a device's own alert asks for.

        Whether it contradicts a reading is decided by the order of arrival: a device publishes its data
        first and then what it thinks of them, so a notice speaks of the newest reading before it. When the
        rule has found that reading normal, the notice is a late or repeated one of an episode that is over.
        """
        rule = self._rules.with_message(notice.message)
        rule_id = rule.rule_id if rule else rule_id_of_message(notice.message)
        key = RuleOnDevice(notice.grid_id, notice.device_id, rule_id)
        device = self._device(notice.grid_id, notice.device_id)
        if rule_id in device.open:
            if key in self._noticed:
                self._noticed[key] = max(now, notice.received_at)
            return None
        judged_at = device.judged_at.get(rule_id)
        # A reading of long ago says nothing against what the device says now.
        if judged_at is not None and notice.received_at - judged_at < self._notice_quiet:
            return None
        return AlertToRaise(
            grid_id=notice.grid_id,
            device_id=notice.device_id,
            rule_id=rule_id,
            severity=rule.severity if rule else Severity.WARNING,
            message=notice.message,
            source=AlertSource.DEVICE,
            raised_at=notice.received_at,
            effective_at=notice.received_at,
        )

    def on_silence(self, *, now: datetime) -> list[AlertToClear]:
        """The alerts that rest on notices alone and were not repeated for long enough."""
        return [
            AlertToClear(*key, cleared_at=now, effective_at=now)
            for key, noticed_at in self._noticed.items()
            if now - noticed_at >= self._notice_quiet
        ]

    def carried_out(self, decision: Decision, *, now: datetime) -> None:
        """The store is now as `decision` asked for."""
        key = RuleOnDevice(decision.grid_id, decision.device_id, decision.rule_id)
        device = self._device(decision.grid_id, decision.device_id)
        if isinstance(decision, AlertToClear):
            device.open.discard(decision.rule_id)
            self._noticed.pop(key, None)
        else:
            device.open.add(decision.rule_id)
            if decision.source is AlertSource.DEVICE:
                # The later of the two, so that a clock of ours that is behind cannot end it too early.
                self._noticed[key] = max(now, decision.raised_at)

    def take_progress(self) -> dict[RuleOnDevice, datetime]:
        """What has been judged since the last call; keep it before what was read is acknowledged."""
        progress = {
            RuleOnDevice(grid_id, device_id, rule_id): at
            for grid_id, device_id in self._progressed
            for rule_id, at in self._devices[grid_id, device_id].judged_at.items()
        }
        self._progressed.clear()
        return progress

    def _device(self, grid_id: str, device_id: str) -> _Device:
        device = self._devices.get((grid_id, device_id))
        if device is None:
            device = self._devices[grid_id, device_id] = _Device()
        return device


def rule_id_of_message(message: str) -> str:
    """The rule id of a device's message that no rule knows."""
    return f"device:{sha256(message.encode()).hexdigest()[:12]}"


def _raise_by_reading(rule: Rule, reading: Reading) -> AlertToRaise:
    return AlertToRaise(
        grid_id=reading.grid_id,
        device_id=reading.device_id,
        rule_id=rule.rule_id,
        severity=rule.severity,
        message=rule.message,
        source=AlertSource.RULE,
        raised_at=reading.timestamp,
        effective_at=reading.effective_at,
        metrics=reading.metrics,
    )


def _clear_by_reading(rule: Rule, reading: Reading) -> AlertToClear:
    return AlertToClear(
        reading.grid_id, reading.device_id, rule.rule_id, reading.timestamp, reading.effective_at
    )
