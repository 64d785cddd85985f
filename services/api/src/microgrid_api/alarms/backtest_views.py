"""The JSON of a backtest: a rule, a grid and a time, and what would have come of them."""

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alarm_backtest import BacktestEpisode, BacktestGap, BacktestReport
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.alert import RaisingReading
from microgrid_common.schemas.identifiers import Identifier

_RULE: dict[str, JsonValue] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "scope": {"device_type": "battery"},
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "severity": "warning",
    "message": "Battery at {battery_soc:.1f} % on {device_id}.",
    "on_delay_seconds": 60,
}
_START, _END = "2026-11-16T10:00:00.000Z", "2026-11-23T10:00:00.000Z"
_REPORT: dict[str, Any] = {
    "grid_id": "village-1",
    "rule_id": "battery-low",
    "start": _START,
    "end": _END,
    "devices": 1,
    "readings_judged": 120_000,
    "alarms": 1,
    "alarms_per_hour": 0.006,
    "worst_10_minutes_alarms": 1,
    "chattering_alarms": 0,
    "active_seconds": 5_400.0,
    "episodes": [
        {
            "device_id": "battery-1",
            "raised_at": "2026-11-21T04:12:00.000Z",
            "cleared_at": "2026-11-21T05:42:00.000Z",
            "message": "Battery at 19.9 % on battery-1.",
            "peak": {"timestamp": "2026-11-21T05:20:00.000Z", "metrics": {"battery_soc": 14.5}},
        }
    ],
    "episodes_left_out": 0,
    "gap_seconds": 3_600.0,
    "gaps": [
        {
            "device_id": "battery-1",
            "start": "2026-11-19T23:00:00.000Z",
            "end": "2026-11-20T00:00:00.000Z",
        }
    ],
    "gaps_left_out": 0,
}


class BacktestRequest(BaseModel):
    """A rule to try on stored readings; nothing of it is kept."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"rule": _RULE, "grid_id": "village-1", "from": _START, "to": _END}]},
    )

    rule: AlarmRuleDraft
    grid_id: Identifier
    start: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """By default 7 days before the end; at most 31 days, for which readings are kept."""
    end: Annotated[AwareDatetime | None, Field(alias="to")] = None
    """Not part of it; the present by default."""


class PeakView(RaisingReading):
    """A reading."""

    timestamp: WireTime


class BacktestEpisodeView(BacktestEpisode):
    """One alarm that the rule would have raised."""

    raised_at: WireTime
    cleared_at: WireTime | None
    """Null when it would have lasted at the end. A latching alarm lasts: nobody acknowledges it here."""
    peak: PeakView | None
    """The reading that was furthest beyond the limit; null where a condition has no limit to be beyond: a
    status, a rate, silence, or an expression."""


class BacktestGapView(BacktestGap):
    """A time in which a device said nothing that the rule could judge."""

    start: WireTime
    end: WireTime


class BacktestReportView(BacktestReport):
    """What a rule would have raised over the stored readings.

    Nothing is known before the start, and what is stored of a reading is its values: all count as good, and
    late ones as if they had come in time.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT]})

    start: WireTime
    end: WireTime
    """Not part of it."""
    episodes: tuple[BacktestEpisodeView, ...]
    """The first ones, in order of time."""
    gaps: tuple[BacktestGapView, ...]
    """The longest ones."""

    @classmethod
    def of(cls, report: BacktestReport) -> Self:
        """`report` as clients see it."""
        return cls.model_validate(report.model_dump())
