"""The rules in force and the maintenance windows, arranged so that a reading meets only what concerns it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.transforms.alarms.conditions import CompiledRule, RuleFailedError, compile_rule
from microgrid_common.transforms.alarms.delays import rests
from microgrid_common.transforms.alarms.documents import AlarmPoint
from microgrid_common.transforms.alarms.expression import Judgement, compile_judgement
from microgrid_common.transforms.alarms.message import text_without_names

# A sender can make up as many sets of metrics as it likes, so no more are kept; and one set costs a
# compilation, of about a millisecond for 20 rules, only when it has come so often that this pays.
_METRIC_SETS: Final = 256
_USES_BEFORE_COMPILING: Final = 32
_DEVICES: Final = 100_000
_RULE_SETS: Final = 10_000

_NOTHING: Final[tuple[CompiledRule, ...]] = ()


class _Judging:
    """The rules that readings with certain metrics can be judged by."""

    __slots__ = ("any_enters", "by_change", "by_change_too", "by_reading", "uses")

    def __init__(self, rules: Iterable[CompiledRule], metrics: Iterable[str]) -> None:
        present = frozenset(metrics)
        self.by_change_too = tuple(rule for rule in rules if rule.metrics <= present)
        self.by_change = tuple(rule for rule in self.by_change_too if rule.change_of is not None)
        self.by_reading = tuple(rule for rule in self.by_change_too if rule.change_of is None)
        self.uses = 0
        self.any_enters: Judgement | None = None
        """Whether any of `by_reading` enters; None until it has been compiled."""

    def entering(self, metrics: Mapping[str, float]) -> tuple[CompiledRule, ...]:
        if not self.by_reading:
            return _NOTHING
        if self.any_enters is None:
            self.uses += 1
            if self.uses > _USES_BEFORE_COMPILING:
                self.compile()
        else:
            try:
                if not self.any_enters(metrics):
                    return _NOTHING
            except ArithmeticError:
                # One of them failed; the next line finds out which.
                pass
        return tuple([rule for rule in self.by_reading if rule.enters(metrics)])

    def compile(self) -> None:
        nodes = (rule.enters_node for rule in self.by_reading)
        self.any_enters = compile_judgement(*(node for node in nodes if node is not None))


class DeviceRules:
    """The rules in force that concern one device, or all devices that the same rules concern."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self.by_id: Mapping[str, CompiledRule] = MappingProxyType({rule.rule.rule_id: rule for rule in rules})
        self.on_silence = tuple(rule for rule in rules if rule.silence_of is not None)
        """The rules on silence, in the order of rule ids."""
        self.watched_metrics = frozenset(
            rule.silence_of.metric for rule in self.on_silence if rule.silence_of and rule.silence_of.metric
        )
        """The metrics whose silence a rule watches."""
        self._on_readings = tuple(rule for rule in rules if rule.silence_of is None)
        self._by_metrics: dict[tuple[str, ...], _Judging] = {}

    def judging(self, metrics: Mapping[str, float]) -> tuple[CompiledRule, ...]:
        """The rules on readings whose metrics are all there, in the order of rule ids."""
        return self._judging(tuple(metrics)).by_change_too

    def worth_judging(
        self, metrics: Mapping[str, float], points: Mapping[str, AlarmPoint]
    ) -> Sequence[CompiledRule]:
        """Of `judging`, those of whose alarms a reading may change anything, in the order of rule ids.

        The condition of the others does not hold, and did not hold before.

        Args:
            metrics: of a reading that is not late.
            points: of its device.
        """
        judging = self._judging(tuple(metrics))
        try:
            entering = judging.entering(metrics)
        except RuleFailedError:
            # Found out and left alone one by one, when each is judged.
            return judging.by_change_too
        under_way = set()
        for rule_id, point in points.items():
            if not rests(point):
                under_way.add(rule_id)
        if not entering and not under_way:
            return judging.by_change
        return [
            rule
            for rule in judging.by_change_too
            if rule.change_of is not None or rule in entering or rule.rule.rule_id in under_way
        ]

    def entering(self, metrics: Mapping[str, float]) -> tuple[CompiledRule, ...]:
        """Of `judging`, those that one reading alone makes hold, where they did not hold before.

        Rules on a change are not among them.

        Raises:
            RuleFailedError: one of them failed.
        """
        return self._judging(tuple(metrics)).entering(metrics)

    def _judging(self, key: tuple[str, ...]) -> _Judging:
        judging = self._by_metrics.get(key)
        if judging is None:
            if len(self._by_metrics) >= _METRIC_SETS:
                del self._by_metrics[next(iter(self._by_metrics))]
            judging = self._by_metrics[key] = _Judging(self._on_readings, key)
        return judging


class RulePlan:
    """Rules and maintenance windows at one time.

    Args:
        rules: those that are not in force are left out.
        windows: maintenance windows of all grids.
    """

    def __init__(self, rules: Iterable[AlarmRule], windows: Iterable[MaintenanceWindow] = ()) -> None:
        in_force = sorted((rule for rule in rules if rule.in_force), key=lambda rule: rule.rule_id)
        self.failed: tuple[RuleFailedError, ...] = ()
        """The rules in force that cannot be judged at all; they are left out, and are to be disabled."""
        self._rules = self._compiled(in_force)
        self.versions: Mapping[str, int] = {rule.rule.rule_id: rule.rule.version for rule in self._rules}
        """Of the rules in force, by id."""
        grids = {rule.rule.scope.grid_id for rule in self._rules} - {None}
        self._of_grid = {grid_id: self._in_grid(grid_id) for grid_id in grids}
        self._elsewhere = self._in_grid(None)
        self._windows = _windows_by_grid(windows)
        self._for_rules: dict[tuple[CompiledRule, ...], DeviceRules] = {}
        self._for_device = lru_cache(maxsize=_DEVICES)(self._find)
        self._with_text = _by_text(self._rules)

    def for_device(
        self, grid_id: str, device_id: str, device_type: str, component: str | None
    ) -> DeviceRules:
        """The rules that concern a device."""
        return self._for_device(grid_id, device_id, device_type, component)

    def with_message(
        self, grid_id: str, device_id: str, device_type: str, component: str | None, message: str
    ) -> AlarmRule | None:
        """The rule that means the same as a device's own notice: in force, for it, and of the same text.

        Rules whose message has something to fill in are none of them. Of several it is the first one by id.
        """
        for rule in self._with_text.get(message, ()):
            if rule.scope.covers(grid_id, device_id, device_type, component):
                return rule
        return None

    def window_over(
        self, grid_id: str, device_id: str, component: str | None, at: datetime
    ) -> MaintenanceWindow | None:
        """The maintenance window that a device is in, at a time; of several the one that began first."""
        for window in self._windows.get(grid_id, ()):
            if window.start <= at < window.end and _concerns(window, device_id, component):
                return window
        return None

    def next_window_edge(
        self, grid_id: str, device_id: str, component: str | None, after: datetime
    ) -> datetime | None:
        """When the next window of a device begins or ends, later than `after`; None when none does."""
        return min(
            (
                edge
                for window in self._windows.get(grid_id, ())
                if _concerns(window, device_id, component)
                for edge in (window.start, window.end)
                if edge > after
            ),
            default=None,
        )

    def _compiled(self, rules: Iterable[AlarmRule]) -> tuple[CompiledRule, ...]:
        compiled = []
        for rule in rules:
            try:
                compiled.append(compile_rule(rule))
            except RuleFailedError as failure:
                self.failed += (failure,)
        return tuple(compiled)

    def _in_grid(self, grid_id: str | None) -> tuple[CompiledRule, ...]:
        return tuple(rule for rule in self._rules if rule.rule.scope.grid_id in {None, grid_id})

    def _find(self, grid_id: str, device_id: str, device_type: str, component: str | None) -> DeviceRules:
        rules = tuple(
            rule
            for rule in self._of_grid.get(grid_id, self._elsewhere)
            if rule.rule.scope.covers(grid_id, device_id, device_type, component)
        )
        # Devices with the same rules share what has been compiled for them.
        found = self._for_rules.get(rules)
        if found is None:
            if len(self._for_rules) >= _RULE_SETS:
                del self._for_rules[next(iter(self._for_rules))]
            found = self._for_rules[rules] = DeviceRules(rules)
        return found


def _by_text(rules: Iterable[CompiledRule]) -> Mapping[str, Sequence[AlarmRule]]:
    by_text: dict[str, list[AlarmRule]] = defaultdict(list)
    for compiled in rules:
        text = text_without_names(compiled.rule.message)
        if text is not None:
            by_text[text].append(compiled.rule)
    return by_text


def _windows_by_grid(windows: Iterable[MaintenanceWindow]) -> Mapping[str, Sequence[MaintenanceWindow]]:
    by_grid: dict[str, list[MaintenanceWindow]] = defaultdict(list)
    for window in sorted(windows, key=lambda window: (window.start, window.window_id)):
        by_grid[window.grid_id].append(window)
    return by_grid


def _concerns(window: MaintenanceWindow, device_id: str, component: str | None) -> bool:
    return window.device_id in {None, device_id} and window.component in {None, component}
