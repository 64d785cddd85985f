"""The alarm load of a grid: how much its alarms ask of the operator, beside what is thought bearable."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.identifiers import Identifier

Count = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class AcknowledgementTimes(_Part):
    """How long operators took from the raising of an alarm until they acknowledged it."""

    acknowledged: Count = 0
    """How many alarms that is taken from."""
    never_acknowledged: Count = 0
    """Alarms that ended, were superseded, or still wait, without anybody having acknowledged them."""
    median_seconds: float | None = None
    """None when nothing was acknowledged; as `p95_seconds`."""
    p95_seconds: float | None = None
    """19 of 20 took no longer."""


class AlarmFigures(_Part):
    """The alarm load of a grid or of one rule in a time."""

    alarms: Count
    """Raised in that time and shown to the operator."""
    hidden_alarms: Count
    """Raised in that time while shelved, suppressed or out of service: part of no other figure."""
    alarms_per_hour: float
    worst_10_minutes_alarms: Count
    """The most alarms of any ten minutes, wherever they begin."""
    worst_10_minutes_start: AwareDatetime | None
    """When those began, the first ones of several; None without an alarm."""
    flooded_10_minutes_percent: Percent
    """How many of the ten minutes, counted one after another from the start, had more than ten alarms."""
    chattering_alarms: Count
    """Alarms, each one rule on one device, that came three times within ten minutes or so often that the
    engine added a delay."""
    standing_alarms: Count
    """Alarms that lasted at the end of the time, whenever they were raised, and were not put aside."""
    stale_alarms: Count
    """Those of them that had lasted for more than 24 hours."""
    acknowledgement: AcknowledgementTimes


class RuleLoad(AlarmFigures):
    """The part of one rule in the alarm load of a grid."""

    rule_id: str
    percent: Percent
    """Of the grid's alarms; 0 when there are none."""


class SeverityShare(_Part):
    """The part of one severity in the alarm load."""

    severity: Severity
    alarms: Count
    percent: Percent


class Offender(_Part):
    """One alarm that came often."""

    grid_id: Identifier
    device_id: Identifier
    rule_id: str
    alarms: Count
    percent: Percent
    chattering: bool


class Guidance(_Part):
    """A figure beside a value that is recommended for one operator: guidance, not law."""

    figure: str
    """What is measured: a figure of `AlarmLoad`, or a share of severities."""
    measured: float | None
    """None when there was nothing to measure."""
    recommended: str
    """The recommended value, for a person."""
    met: bool | None
    """None when there was nothing to measure."""
    source: str
    """Who recommends it."""


class AlarmLoad(AlarmFigures):
    """The alarm load of a grid from `start` to `end`, which is not part of it."""

    grid_id: Identifier
    start: AwareDatetime
    end: AwareDatetime
    severities: tuple[SeverityShare, ...]
    """The most urgent first."""
    top_offenders: tuple[Offender, ...]
    """The ten alarms that came most often."""
    top_10_percent: Percent
    """The share of those ten in all alarms."""
    rules: tuple[RuleLoad, ...]
    """The rules with alarms, raised or standing; the largest load first."""
    rules_left_out: Count
    """How many rules more there are."""
    guidance: tuple[Guidance, ...]
