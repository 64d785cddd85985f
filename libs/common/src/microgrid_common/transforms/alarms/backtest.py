"""A rule alone over the readings of a past time: what it would have raised."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from string import Formatter
from typing import Final

from microgrid_common.schemas.alarm_backtest import BacktestEpisode, BacktestGap, BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRule, DisconnectedCondition, NoDataCondition
from microgrid_common.schemas.alert import Alert, AlertStatus, RaisingReading
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading
from microgrid_common.schemas.tick import Tick
from microgrid_common.transforms.alarms.conditions import RuleFailedError, compile_rule
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms
from microgrid_common.transforms.alarms.evaluation import GridEvaluation
from microgrid_common.transforms.alarms.load import alarm_load
from microgrid_common.transforms.alarms.peak import Excess, excess_of
from microgrid_common.transforms.alarms.rule_plan import RulePlan

MOST_ALARMS: Final = 10_000
"""A rule that raises more is a wrong one, and the report need not say more."""
EPISODES_SHOWN: Final = 1_000
GAPS_SHOWN: Final = 100
SHORTEST_GAP: Final = timedelta(minutes=15)
"""What is shorter is no gap; nor what is shorter than three intervals in which a device should report."""

_INTERVALS_IN_GAP: Final = 3


class BacktestRefusedError(ValueError):
    """A backtest that cannot be done."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        """The path of what is wrong, such as `rule.condition`."""


@dataclass(slots=True)
class _Gaps:
    """The times in which one device said nothing that could be judged."""

    device: Device
    last: datetime
    """When something was judged last, or the start."""
    found: list[BacktestGap] = field(default_factory=list)

    def heard(self, at: datetime) -> None:
        if at - self.last > self._shortest:
            self.found.append(BacktestGap(device_id=self.device.device_id, start=self.last, end=at))
        self.last = at

    @property
    def _shortest(self) -> timedelta:
        every = timedelta(seconds=self.device.expected_interval_seconds or 0)
        return max(SHORTEST_GAP, _INTERVALS_IN_GAP * every)


@dataclass(slots=True)
class _Peak:
    """The reading that was furthest beyond the limit while a condition held."""

    excess: Excess | None
    highest: float = 0
    reading: Reading | None = None

    def add(self, reading: Reading) -> None:
        if self.excess is None:
            return
        beyond = self.excess(reading.metrics)
        if self.reading is None or beyond > self.highest:
            self.highest, self.reading = beyond, reading

    def forget(self) -> None:
        self.reading = None


@dataclass(slots=True)
class _Totals:
    """What comes of all devices."""

    devices: int = 0
    readings_judged: int = 0
    alerts: list[Alert] = field(default_factory=list)
    peaks: dict[tuple[str, str], Reading] = field(default_factory=dict)
    """Device and alert → the reading that was furthest beyond the limit."""
    gaps: list[BacktestGap] = field(default_factory=list)


class Backtest:
    """A rule, a grid and a time.

    Args:
        rule: the rule; in force.
        grid_id: the grid.
        start: aware.
        end: aware; not part of it.

    Raises:
        BacktestRefusedError: the rule cannot be judged by what is stored.
    """

    def __init__(self, rule: AlarmRule, grid_id: str, *, start: datetime, end: datetime) -> None:
        self.judged = _judged_metrics(rule)
        """A reading with all of them is judged."""
        self._plan = RulePlan([rule])
        self.rule = rule
        self.grid_id = grid_id
        self.start = start
        self.end = end
        self._totals = _Totals()
        self.metrics = self.judged | _named_in(rule.message)
        """What has to be read."""

    def of_device(self, device: Device) -> "DeviceBacktest":
        """The part of one device; finish it before the next one begins."""
        self._totals.devices += 1
        return DeviceBacktest(self, self._plan, self._totals, device)

    def report(self) -> BacktestReport:
        """What came of it."""
        totals = self._totals
        alerts = sorted(totals.alerts, key=lambda alert: (alert.raised_at, alert.device_id))
        load = alarm_load(self.grid_id, reversed(alerts), start=self.start, end=self.end)
        gaps = sorted(totals.gaps, key=lambda gap: (gap.start - gap.end, gap.device_id, gap.start))
        return BacktestReport(
            grid_id=self.grid_id,
            rule_id=self.rule.rule_id,
            start=self.start,
            end=self.end,
            devices=totals.devices,
            readings_judged=totals.readings_judged,
            alarms=len(alerts),
            alarms_per_hour=load.alarms_per_hour,
            worst_10_minutes_alarms=load.worst_10_minutes_alarms,
            chattering_alarms=load.chattering_alarms,
            active_seconds=sum(
                ((alert.cleared_at or self.end) - alert.raised_at).total_seconds() for alert in alerts
            ),
            episodes=tuple(self._episode(alert) for alert in alerts[:EPISODES_SHOWN]),
            episodes_left_out=max(0, len(alerts) - EPISODES_SHOWN),
            gap_seconds=sum((gap.end - gap.start).total_seconds() for gap in gaps),
            gaps=tuple(gaps[:GAPS_SHOWN]),
            gaps_left_out=max(0, len(gaps) - GAPS_SHOWN),
        )

    def _episode(self, alert: Alert) -> BacktestEpisode:
        peak = self._totals.peaks.get((alert.device_id, alert.id))
        return BacktestEpisode(
            device_id=alert.device_id,
            raised_at=alert.raised_at,
            cleared_at=alert.cleared_at,
            message=alert.message,
            peak=RaisingReading(timestamp=peak.timestamp, metrics=peak.metrics) if peak else None,
        )


class DeviceBacktest:
    """One device: its readings in order of time, and then the end.

    The clock is that of the readings: a timer that falls due between two of them is told first.

    Args:
        backtest: the rule and the time.
        plan: the rule, ready to be judged.
        totals: where the outcome goes.
        device: as the registry has it.
    """

    def __init__(self, backtest: Backtest, plan: RulePlan, totals: _Totals, device: Device) -> None:
        self.device = device
        self._backtest = backtest
        self._totals = totals
        self._document = DeviceAlarms(device_type=device.device_type, component=device.component)
        self._evaluation = GridEvaluation(
            device.grid_id,
            GridAlarms(),
            {device.device_id: self._document},
            plan,
            parents={},
            # There are no notices.
            notice_quiet=timedelta(0),
        )
        self._alerts: dict[str, Alert] = {}
        self._gaps = _Gaps(device, backtest.start)
        self._peak = _Peak(excess_of(backtest.rule.condition))

    def judge(self, reading: Reading) -> None:
        """Take in the next reading.

        Raises:
            BacktestRefusedError: the rule failed on it, or has raised too many alarms.
        """
        self._tick_until(reading.received_at)
        self._evaluation.on_reading(reading)
        if (failure := self._evaluation.failures.get(self._backtest.rule.rule_id)) is not None:
            raise BacktestRefusedError("rule.condition", failure.reason)
        self._take_alerts()
        if self._backtest.judged <= reading.metrics.keys():
            self._totals.readings_judged += 1
            self._gaps.heard(reading.timestamp)
            self._follow_peak(reading)

    def finish(self) -> None:
        """Let the time come to its end.

        Raises:
            BacktestRefusedError: as `judge`.
        """
        self._tick_until(self._backtest.end)
        self._gaps.heard(self._backtest.end)
        self._totals.alerts += self._alerts.values()
        self._totals.gaps += self._gaps.found

    def _tick_until(self, now: datetime) -> None:
        while (timer := self._evaluation.timer_of(self.device.device_id)) is not None and timer < now:
            self._evaluation.on_tick(
                Tick(grid_id=self.device.grid_id, device_ids=(self.device.device_id,), at=timer)
            )
            self._take_alerts()

    def _take_alerts(self) -> None:
        for alert in self._evaluation.take_alerts():
            before = self._alerts.get(alert.id)
            if before is None:
                self._keep_peak(alert)
            elif (before.status, alert.status) == (AlertStatus.ACTIVE, AlertStatus.RESOLVED):
                self._peak.forget()
            self._alerts[alert.id] = alert
        if len(self._totals.alerts) + len(self._alerts) > MOST_ALARMS:
            raise BacktestRefusedError("rule", f"it would have raised more than {MOST_ALARMS} alarms")

    def _follow_peak(self, reading: Reading) -> None:
        point = self._document.points.get(self._backtest.rule.rule_id)
        alert = point.alert if point and point.alert and point.alert.status is AlertStatus.ACTIVE else None
        if alert is None and not (point and point.holds):
            self._peak.forget()
            return
        self._peak.add(reading)
        if alert is not None:
            self._keep_peak(alert)

    def _keep_peak(self, alert: Alert) -> None:
        if self._peak.reading is not None:
            self._totals.peaks[self.device.device_id, alert.id] = self._peak.reading


def _judged_metrics(rule: AlarmRule) -> frozenset[str]:
    match rule.condition:
        case DisconnectedCondition():
            raise BacktestRefusedError("rule.condition", "connections to the broker are not stored")
        case NoDataCondition(metric=None):
            raise BacktestRefusedError(
                "rule.condition",
                "when the ingestor calls a device stale is not stored: name a metric and a time",
            )
        case NoDataCondition(metric=str(metric)):
            return frozenset({metric})
    try:
        return compile_rule(rule).metrics
    except RuleFailedError as failure:
        raise BacktestRefusedError("rule.condition", failure.reason) from None


def _named_in(message: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(message) if name and name in BY_NAME)
