"""The JSON of alarm rules and of maintenance windows."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.alert import NoteText
from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.maintenance import MaintenanceWindow

_DRAFT: dict[str, JsonValue] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "enabled": True,
    "scope": {"grid_id": "village-1", "device_id": None, "device_type": "battery", "component": None},
    "condition": {
        "type": "threshold",
        "metric": "battery_soc",
        "comparison": "<",
        "threshold": 20,
        "hysteresis": 2,
    },
    "severity": "warning",
    "message": "Battery at {battery_soc:.1f} % on {device_id}.",
    "recommended_action": "Reduce the load or start the generator.",
    "on_delay_seconds": 60,
    "off_delay_seconds": 0,
    "latching": False,
    "chattering_delay": True,
    "minimum_quality": "uncertain",
    "first_out_group": None,
}
_RULE: dict[str, JsonValue] = {**_DRAFT, "version": 2, "disabled_because": None}
_WORK: dict[str, JsonValue] = {
    "device_id": "inverter-1",
    "component": None,
    "start": "2026-11-23T08:00:00.000Z",
    "end": "2026-11-23T12:00:00.000Z",
    "reason": "The fan is replaced.",
}
_WINDOW: dict[str, JsonValue] = {"window_id": "fan-2026-11", "grid_id": "village-1", **_WORK, "by": "user"}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class NewRule(AlarmRuleDraft):
    """A rule that is to be."""

    model_config = _example(**_DRAFT)


class ChangedRule(AlarmRuleDraft):
    """A rule as it is to be from now on, whole."""

    model_config = _example(**_DRAFT, version=2)

    version: Annotated[int, Field(ge=1)] | None = None
    """The version that it replaces, unless `If-Match` says that."""


class RuleView(AlarmRule):
    """A rule as it is, or as it was in one of its versions."""

    model_config = _example(**_RULE)

    @classmethod
    def of(cls, rule: AlarmRule) -> Self:
        """`rule` as clients see it."""
        return cls.model_validate(rule.model_dump())

    @classmethod
    def of_all(cls, rules: Iterable[AlarmRule]) -> list[Self]:
        """Rules as clients see them."""
        return [cls.of(rule) for rule in rules]


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time of the years 1 to 9999 in UTC") from None


class PlannedWork(BaseModel):
    """When work is done and on what; alarms about it are suppressed meanwhile."""

    model_config = ConfigDict(**_example(**_WORK), extra="forbid")

    device_id: Identifier | None = None
    """Null: every device of the grid."""
    component: Identifier | None = None
    """Null: every component."""
    start: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    end: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    """Not part of it."""
    reason: Annotated[NoteText, StringConstraints(strip_whitespace=True)]


class MaintenanceWindowView(BaseModel):
    """A time in which alarms of a grid, or of a part of it, are suppressed."""

    model_config = _example(**_WINDOW)

    window_id: str
    grid_id: str
    device_id: str | None
    """Null: every device of the grid."""
    component: str | None
    """Null: every component."""
    start: WireTime
    end: WireTime
    """Not part of it."""
    reason: str
    by: str
    """Who said so last."""

    @classmethod
    def of(cls, window: MaintenanceWindow) -> Self:
        """`window` as clients see it."""
        return cls.model_validate(window.model_dump())
