"""The JSON of the alarm load."""

from typing import Self

from pydantic import ConfigDict, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alarm_load import AlarmLoad, RuleLoad

_FIGURES: dict[str, JsonValue] = {
    "alarms": 14,
    "hidden_alarms": 2,
    "alarms_per_hour": 0.083,
    "worst_10_minutes_alarms": 3,
    "worst_10_minutes_start": "2026-11-21T06:12:00.000Z",
    "flooded_10_minutes_percent": 0.0,
    "chattering_alarms": 0,
    "standing_alarms": 1,
    "stale_alarms": 0,
    "acknowledgement": {
        "acknowledged": 12,
        "never_acknowledged": 2,
        "median_seconds": 95.0,
        "p95_seconds": 1240.0,
    },
}
_LOAD: dict[str, JsonValue] = {
    **_FIGURES,
    "grid_id": "village-1",
    "start": "2026-11-16T10:00:00.000Z",
    "end": "2026-11-23T10:00:00.000Z",
    "severities": [
        {"severity": "critical", "alarms": 0, "percent": 0.0},
        {"severity": "warning", "alarms": 14, "percent": 100.0},
        {"severity": "info", "alarms": 0, "percent": 0.0},
    ],
    "top_offenders": [
        {
            "grid_id": "village-1",
            "device_id": "battery-1",
            "rule_id": "battery-low",
            "alarms": 14,
            "percent": 100.0,
            "chattering": False,
        }
    ],
    "top_10_percent": 100.0,
    "rules": [{**_FIGURES, "rule_id": "battery-low", "percent": 100.0}],
    "rules_left_out": 0,
    "guidance": [
        {
            "figure": "alarms_per_hour",
            "measured": 0.083,
            "recommended": "about 6 an hour are acceptable",
            "met": True,
            "source": "EEMUA 191, ISA-18.2 / IEC 62682",
        }
    ],
}


class RuleLoadView(RuleLoad):
    """The part of one rule in the alarm load of a grid."""

    worst_10_minutes_start: WireTime | None


class AlarmLoadView(AlarmLoad):
    """The alarm load of a grid, beside what is recommended for one operator: guidance, not law."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LOAD]})

    worst_10_minutes_start: WireTime | None
    """When those began, the first ones of several; null without an alarm."""
    start: WireTime
    end: WireTime
    """Not part of it."""
    rules: tuple[RuleLoadView, ...]
    """The rules with alarms, raised or standing; the largest load first."""

    @classmethod
    def of(cls, load: AlarmLoad) -> Self:
        """`load` as clients see it."""
        return cls.model_validate(load.model_dump())
