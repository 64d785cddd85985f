"""The alarm load of a grid, computed from its alert records as they are read."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from statistics import median
from typing import Any, Final

from microgrid_common.schemas.alarm_load import (
    AcknowledgementTimes,
    AlarmLoad,
    Offender,
    RuleLoad,
    SeverityShare,
)
from microgrid_common.schemas.alert import Alert, Severity
from microgrid_common.transforms.alarms.load_guidance import FLOOD_ALARMS, guidance_of
from microgrid_common.transforms.alarms.recent import RecentTimes

TEN_MINUTES: Final = timedelta(minutes=10)
STALE_AFTER: Final = timedelta(hours=24)
CHATTERING_EPISODES: Final = 3
"""So many episodes of one alarm within ten minutes."""
OFFENDERS_SHOWN: Final = 10
RULES_SHOWN: Final = 500
"""As many as there can be; devices' own messages, each a rule of its own here, may be more."""

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Times:
    """The time that is looked at."""

    start: datetime
    end: datetime

    @property
    def ten_minutes(self) -> int:
        return ceil((self.end - self.start) / TEN_MINUTES)

    def contains(self, time: datetime) -> bool:
        return self.start <= time < self.end


@dataclass(slots=True)
class _Tally:
    """What is counted of a grid or of one rule while its alarms come in, the newest first."""

    times: _Times
    alarms: int = 0
    hidden: int = 0
    standing: int = 0
    stale: int = 0
    never_acknowledged: int = 0
    acknowledged_seconds: "array[float]" = field(default_factory=lambda: array("d"))
    recent: RecentTimes = field(default_factory=lambda: RecentTimes(TEN_MINUTES))
    worst: int = 0
    worst_start: datetime | None = None
    slot: int = -1
    """The ten minutes that the last alarm was in, counted from the start."""
    alarms_in_slot: int = 0
    flooded: int = 0

    def add(self, alert: Alert) -> None:
        """Count an alarm that was raised in the time."""
        self.alarms += 1
        if (alarms := self.recent.add(alert.raised_at)) >= self.worst:
            self.worst, self.worst_start = alarms, alert.raised_at
        slot = (alert.raised_at - self.times.start) // TEN_MINUTES
        self.alarms_in_slot = self.alarms_in_slot + 1 if slot == self.slot else 1
        self.slot = slot
        self.flooded += self.alarms_in_slot == FLOOD_ALARMS + 1
        if alert.acknowledged_at is None:
            self.never_acknowledged += 1
        else:
            # The clock of a device may be ahead of the operator's.
            self.acknowledged_seconds.append(
                max(0.0, (alert.acknowledged_at - alert.raised_at).total_seconds())
            )

    def add_standing(self, alert: Alert) -> None:
        """Count an alarm that lasted at the end."""
        self.standing += 1
        self.stale += self.times.end - alert.raised_at > STALE_AFTER

    def figures(self, chattering: int) -> dict[str, Any]:
        """The fields of `AlarmFigures`."""
        return {
            "alarms": self.alarms,
            "hidden_alarms": self.hidden,
            "alarms_per_hour": self.alarms / ((self.times.end - self.times.start) / _HOUR),
            "worst_10_minutes_alarms": self.worst,
            "worst_10_minutes_start": self.worst_start,
            "flooded_10_minutes_percent": 100 * self.flooded / self.times.ten_minutes,
            "chattering_alarms": chattering,
            "standing_alarms": self.standing,
            "stale_alarms": self.stale,
            "acknowledgement": self._acknowledgement(),
        }

    def _acknowledgement(self) -> AcknowledgementTimes:
        seconds = sorted(self.acknowledged_seconds)
        if not seconds:
            return AcknowledgementTimes(never_acknowledged=self.never_acknowledged)
        return AcknowledgementTimes(
            acknowledged=len(seconds),
            never_acknowledged=self.never_acknowledged,
            median_seconds=median(seconds),
            # The nearest rank, in whole numbers: 0.95 is no binary fraction.
            p95_seconds=seconds[-(-95 * len(seconds) // 100) - 1],
        )


@dataclass(slots=True)
class _Point:
    """One alarm: one rule on one device."""

    alarms: int = 0
    chattering: bool = False
    recent: RecentTimes = field(default_factory=lambda: RecentTimes(TEN_MINUTES))

    def add(self, alert: Alert) -> None:
        self.alarms += 1
        within = self.recent.add(alert.raised_at)
        self.chattering |= alert.chattering or within >= CHATTERING_EPISODES


class AlarmLoadMeter:
    """Takes in the alert records of a grid and gives its alarm load.

    Its memory is bounded by the number of alarms (rules on devices) and, with 8 bytes each, by that of
    acknowledgements; not by the records.

    Args:
        grid_id: the grid.
        start: aware; where the time begins.
        end: aware, after `start`; not part of it.

    Raises:
        ValueError: `end` is not after `start`.
    """

    def __init__(self, grid_id: str, *, start: datetime, end: datetime) -> None:
        if end <= start:
            raise ValueError("end must be after start")
        self._grid_id = grid_id
        self._times = _Times(start, end)
        self._grid = _Tally(self._times)
        self._rules: dict[str, _Tally] = defaultdict(lambda: _Tally(self._times))
        self._points: dict[tuple[str, str], _Point] = defaultdict(_Point)
        self._severities: Counter[Severity] = Counter()
        self._last: datetime | None = None

    def add(self, alert: Alert) -> None:
        """Take in a record of the grid; also one that was raised before the time and lasted on into it.

        Raises:
            ValueError: it was raised after the one before: they come the newest first.
        """
        if self._last is not None and alert.raised_at > self._last:
            raise ValueError("alerts must come the newest first")
        self._last = alert.raised_at
        tallies = (self._grid, self._rules[alert.rule_id])
        if self._times.contains(alert.raised_at):
            self._add_raised(alert, tallies)
        if _stands_at(alert, self._times.end):
            for tally in tallies:
                tally.add_standing(alert)

    def load(self) -> AlarmLoad:
        """The alarm load by all records that were taken in."""
        offenders = self._offenders()
        figures = self._grid.figures(sum(point.chattering for point in self._points.values()))
        severities = tuple(
            SeverityShare(
                severity=severity,
                alarms=self._severities[severity],
                percent=self._percent(self._severities[severity]),
            )
            for severity in reversed(Severity)
        )
        top_10_percent = self._percent(sum(offender.alarms for offender in offenders))
        rules = self._rule_loads()
        return AlarmLoad(
            grid_id=self._grid_id,
            start=self._times.start,
            end=self._times.end,
            severities=severities,
            top_offenders=offenders,
            top_10_percent=top_10_percent,
            rules=tuple(rules[:RULES_SHOWN]),
            rules_left_out=max(0, len(rules) - RULES_SHOWN),
            guidance=guidance_of(
                figures,
                top_10_percent=top_10_percent,
                severity_percent={share.severity: share.percent for share in severities},
            ),
            **figures,
        )

    def _add_raised(self, alert: Alert, tallies: Iterable[_Tally]) -> None:
        if _put_aside_at(alert, alert.raised_at):
            for tally in tallies:
                tally.hidden += 1
            return
        for tally in tallies:
            tally.add(alert)
        self._points[alert.device_id, alert.rule_id].add(alert)
        self._severities[alert.severity] += 1

    def _percent(self, alarms: int) -> float:
        return 100 * alarms / self._grid.alarms if self._grid.alarms else 0.0

    def _offenders(self) -> tuple[Offender, ...]:
        most = sorted(self._points.items(), key=lambda item: (-item[1].alarms, item[0]))
        return tuple(
            Offender(
                grid_id=self._grid_id,
                device_id=device_id,
                rule_id=rule_id,
                alarms=point.alarms,
                percent=self._percent(point.alarms),
                chattering=point.chattering,
            )
            for (device_id, rule_id), point in most[:OFFENDERS_SHOWN]
        )

    def _rule_loads(self) -> list[RuleLoad]:
        chattering = Counter(rule_id for (_, rule_id), point in self._points.items() if point.chattering)
        loads = [
            RuleLoad(
                rule_id=rule_id, percent=self._percent(tally.alarms), **tally.figures(chattering[rule_id])
            )
            for rule_id, tally in self._rules.items()
            if tally.alarms or tally.standing or tally.hidden
        ]
        return sorted(loads, key=lambda load: (-load.alarms, -load.standing_alarms, load.rule_id))


def alarm_load(grid_id: str, alerts: Iterable[Alert], *, start: datetime, end: datetime) -> AlarmLoad:
    """The alarm load of a grid.

    Args:
        grid_id: the grid.
        alerts: its records, the newest first: those that were raised in the time, and those that were
            raised before and lasted at the end of it.
        start: aware.
        end: aware; not part of it.

    Raises:
        ValueError: `end` is not after `start`, or the records are in another order.
    """
    meter = AlarmLoadMeter(grid_id, start=start, end=end)
    for alert in alerts:
        meter.add(alert)
    return meter.load()


def _put_aside_at(alert: Alert, time: datetime) -> bool:
    """Whether it was put aside at a time and, for all that the record says, ever since."""
    return any(
        aside is not None and aside.at <= time
        for aside in (alert.shelved, alert.suppressed, alert.out_of_service)
    )


def _stands_at(alert: Alert, time: datetime) -> bool:
    lasts = alert.raised_at < time and (alert.cleared_at is None or alert.cleared_at >= time)
    return lasts and not _put_aside_at(alert, time)
