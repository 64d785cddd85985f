"""A grid whose alarms are worked on as the engine does it, with all that is stored, but without any store."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import Alert, AlertEvent
from microgrid_common.schemas.device_link import LinkChange, LinkEvent
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.tick import Tick
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.alarms.actions import Action, act
from microgrid_common.transforms.alarms.changes import Changes
from microgrid_common.transforms.alarms.conditions import RuleFailedError
from microgrid_common.transforms.alarms.documents import (
    AlarmPoint,
    DeviceAlarms,
    GridAlarms,
    decode_device_alarms,
    decode_grid_alarms,
    encode_document,
)
from microgrid_common.transforms.alarms.evaluation import GridEvaluation
from microgrid_common.transforms.alarms.lifecycle import AlarmLife
from microgrid_common.transforms.alarms.rule_plan import RulePlan

GRID, METER, GATEWAY = "village-1", "meter-1", "gateway-1"
QUIET = timedelta(minutes=10)
NORMAL, HIGH = 10.0, 15.0
LOAD_MESSAGE = "Too much load."
_ENDLESS = 1_000

Input = Reading | DeviceNotice | LinkEvent | Tick


def at(seconds: float) -> datetime:
    """A time, in seconds after the sample time."""
    return SAMPLE_TIME + timedelta(seconds=seconds)


def load_rule(rule_id: str = "load", **fields: Any) -> AlarmRule:
    """A rule on a load above 14 kW, without any delay."""
    condition = {"type": "threshold", "metric": "consumption_kw", "comparison": ">", "threshold": 14}
    rest = {"name": "Load", "severity": "warning", "message": LOAD_MESSAGE, "version": 1}
    return AlarmRule.model_validate({**rest, "rule_id": rule_id, "condition": condition, **fields})


def window(start: float, end: float, window_id: str = "works", **fields: Any) -> MaintenanceWindow:
    """A maintenance window of the whole grid."""
    rest = {"window_id": window_id, "grid_id": GRID, "reason": "New cells.", "by": "amina"}
    return MaintenanceWindow.model_validate({**rest, "start": at(start), "end": at(end), **fields})


def reading(
    seconds: float, *, device_id: str = METER, flags: tuple[Flag, ...] = (), **metrics: float
) -> Reading:
    """What was measured, and received, at a time."""
    return Reading(GRID, device_id, at(seconds), at(seconds), metrics, flags=flags)


def load(seconds: float, kilowatts: float, device_id: str = METER) -> Reading:
    """A load that was measured, and received, at a time."""
    return reading(seconds, device_id=device_id, consumption_kw=kilowatts)


def notice(seconds: float, message: str = LOAD_MESSAGE, device_id: str = METER) -> DeviceNotice:
    """A device's own alert."""
    return DeviceNotice(grid_id=GRID, device_id=device_id, received_at=at(seconds), message=message)


def link(seconds: float, change: LinkChange, device_id: str = METER, *, stale: bool = False) -> LinkEvent:
    """A change of a link; after it the device is connected unless the change is that it is not."""
    return LinkEvent(
        grid_id=GRID,
        device_id=device_id,
        change=change,
        at=at(seconds),
        connected=change is not LinkChange.DISCONNECTED,
        stale=stale or change is LinkChange.STALE,
    )


def tick(seconds: float, *device_ids: str) -> Tick:
    """The clock, told to the meter or to other devices."""
    return Tick(grid_id=GRID, device_ids=device_ids or (METER,), at=at(seconds))


@dataclass
class World:
    """What is stored of a grid: only what the evaluation says has changed, so that nothing else lasts."""

    rules: Iterable[AlarmRule] = ()
    windows: Iterable[MaintenanceWindow] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    events: list[AlertEvent] = field(default_factory=list)
    failures: dict[str, RuleFailedError] = field(default_factory=dict)
    timers: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._grid = encode_document(GridAlarms())
        self._devices: dict[str, bytes] = {}
        self.set_rules(*self.rules)

    def set_rules(self, *rules: AlarmRule, windows: Iterable[MaintenanceWindow] | None = None) -> None:
        """From now on these rules are in force."""
        self.windows = self.windows if windows is None else windows
        self._plan = RulePlan(rules, self.windows)

    @property
    def grid(self) -> GridAlarms:
        """The grid's document."""
        return decode_grid_alarms(self._grid)

    def device(self, device_id: str = METER) -> DeviceAlarms:
        """A device's document."""
        stored = self._devices.get(device_id)
        return decode_device_alarms(stored) if stored else DeviceAlarms()

    def take(self, *inputs: Input) -> list[str]:
        """Work on one batch and store the outcome; what happened, in order, as "transition number"."""
        grid = self.grid
        documents = {device_id: self.device(device_id) for device_id in self._concerned(inputs)}
        evaluation = GridEvaluation(
            GRID, grid, documents, self._plan, parents=self.parents, notice_quiet=QUIET
        )
        for each in inputs:
            _apply(evaluation, each)
        self.failures |= evaluation.failures
        timers = {name: evaluation.timer_of(name) for name in evaluation.changes.devices}
        self._store(evaluation.changes, grid, documents, timers)
        return told(evaluation.changes.events)

    def act(self, action: Action, seconds: float, rule_id: str = "load", device_id: str = METER) -> list[str]:
        """An operator does something about the alert of a rule; the tick that follows is worked on too."""
        grid, device, changes = self.grid, self.device(device_id), Changes()
        life = AlarmLife(GRID, grid, {device_id: device}, changes)
        act(life, device.points.get(rule_id) or AlarmPoint(), action, at=at(seconds), by="amina")
        self._store(changes, grid, {device_id: device}, {device_id: at(seconds)})
        return [*told(changes.events), *self.take(tick(seconds, device_id))]

    def pass_time(self, until: float) -> list[str]:
        """Let every timer that comes until a time become a tick, at that time."""
        happened: list[str] = []
        for _ in range(_ENDLESS):
            due = sorted((time, name) for name, time in self.timers.items() if time <= at(until))
            if not due:
                return happened
            time, name = due[0]
            happened += self.take(Tick(grid_id=GRID, device_ids=(name,), at=time))
            later = self.timers.get(name)
            assert later is None or later > time, f"{name} is told the time without end"
        raise AssertionError("the time is told without end")

    def alert(self, number: int = 1) -> Alert:
        """A record."""
        return self.alerts[f"alert-{GRID}-{number}"]

    def _concerned(self, inputs: Iterable[Input]) -> set[str]:
        concerned: set[str] = set()
        for each in inputs:
            if isinstance(each, Tick):
                concerned.update(each.device_ids)
                continue
            concerned.add(each.device_id)
            if isinstance(each, LinkEvent):
                concerned.update(child for child, parent in self.parents.items() if parent == each.device_id)
        return concerned

    def _store(
        self,
        changes: Changes,
        grid: GridAlarms,
        devices: Mapping[str, DeviceAlarms],
        timers: Mapping[str, datetime | None],
    ) -> None:
        if changes.grid_changed:
            self._grid = encode_document(grid)
        for device_id in changes.devices:
            self._devices[device_id] = encode_document(devices[device_id])
            self.timers.pop(device_id, None)
            if (time := timers[device_id]) is not None:
                self.timers[device_id] = time
        self.alerts |= changes.alerts
        self.events += changes.events


def told(events: Iterable[AlertEvent]) -> list[str]:
    """Events in short, as "raised 1"."""
    return [f"{event.transition} {event.alert.number}" for event in events]


def _apply(evaluation: GridEvaluation, each: Input) -> None:
    doings: dict[type, Callable[[Any], None]] = {
        Reading: evaluation.on_reading,
        DeviceNotice: evaluation.on_notice,
        LinkEvent: evaluation.on_link,
        Tick: evaluation.on_tick,
    }
    doings[type(each)](each)
