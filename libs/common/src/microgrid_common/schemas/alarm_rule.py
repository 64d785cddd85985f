"""Alarm rules as data: what they judge, whom they concern, and what the operator is told."""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.schemas.identifiers import Identifier

RULE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"
LONGEST_DELAY_SECONDS: Final = 7 * 86_400
LONGEST_EXPRESSION: Final = 500
"""Characters of an expression."""
MAXIMUM_RULES: Final = 500

RuleId = Annotated[str, StringConstraints(pattern=RULE_ID_PATTERN)]
"""Part of an alert's identity: never reuse one for another meaning."""
Number = Annotated[float, Field(allow_inf_nan=False)]
Deadband = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Hysteresis, in the unit of the metric: how far a value must come back before the alarm ends."""
DelaySeconds = Annotated[float, Field(ge=0, le=LONGEST_DELAY_SECONDS)]


def _is_metric(name: str) -> str:
    if name not in BY_NAME:
        raise ValueError(f"no metric of the catalogue is called {name!r}")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Comparison(StrEnum):
    """How a value stands to another one."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


class _OnMetric(_Part):
    metric: Identifier
    """A canonical name of the metric catalogue."""

    @model_validator(mode="after")
    def _metric_is_known(self) -> Self:
        _is_metric(self.metric)
        return self


class ThresholdCondition(_OnMetric):
    """Holds while a value is beyond a threshold."""

    type: Literal["threshold"] = "threshold"
    comparison: Comparison
    threshold: Number
    hysteresis: Deadband = 0


class BandCondition(_OnMetric):
    """Holds while a value is outside a band."""

    type: Literal["band"] = "band"
    low: Number
    """The lowest good value."""
    high: Number
    """The highest good value."""
    hysteresis: Deadband = 0

    @model_validator(mode="after")
    def _band_has_room(self) -> Self:
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if 2 * self.hysteresis >= self.high - self.low:
            raise ValueError("hysteresis must leave room within the band")
        return self


class Direction(StrEnum):
    """Which way a value moves."""

    RISING = "rising"
    FALLING = "falling"
    EITHER = "either"


class RateOfChangeCondition(_OnMetric):
    """Holds while a value moves faster than a rate, from one reading of a device to the next."""

    type: Literal["rate_of_change"] = "rate_of_change"
    per_minute: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The largest good change in a minute, in the unit of the metric."""
    direction: Direction = Direction.EITHER
    longest_gap_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900
    """Over a longer gap between two readings nothing is said about the rate."""


class NoDataCondition(_Part):
    """Holds while a device says nothing, or nothing of a metric; judged on a timer, not on data."""

    type: Literal["no_data"] = "no_data"
    metric: Identifier | None = None
    """None: nothing at all."""
    after_seconds: Annotated[float, Field(ge=1, le=LONGEST_DELAY_SECONDS)] | None = None
    """None: when the ingestor calls the device stale, by how often it is expected to report. A metric
    needs a time, and so does nothing else."""

    @model_validator(mode="after")
    def _a_metric_has_a_time(self) -> Self:
        if (self.metric is None) != (self.after_seconds is None):
            raise ValueError("metric and after_seconds belong together: give both or neither")
        if self.metric is not None:
            _is_metric(self.metric)
        return self


class DisconnectedCondition(_Part):
    """Holds while a device has no connection to the broker."""

    type: Literal["disconnected"] = "disconnected"


class StatusChangeCondition(_OnMetric):
    """Holds from the moment when a state (a metric that is 0 or 1) changes to a value until it changes back.

    A device whose first reading has that value is in no alarm: it was never seen otherwise.
    """

    type: Literal["status_change"] = "status_change"
    to: Literal[0, 1]


class MetricComparisonCondition(_OnMetric):
    """Holds while one metric stands to `factor` times another one + `offset`, both in one reading."""

    type: Literal["comparison"] = "comparison"
    comparison: Comparison
    other_metric: Identifier
    factor: Number = 1
    offset: Number = 0
    hysteresis: Deadband = 0

    @model_validator(mode="after")
    def _other_metric_is_known(self) -> Self:
        if _is_metric(self.other_metric) == self.metric:
            raise ValueError("other_metric must be another metric")
        return self


class ExpressionCondition(_Part):
    """Holds while an expression over the metrics of one reading is true.

    Such as `generation_kw < 7 and irradiance_w_m2 > 50`.

    Numbers, canonical metric names, `+ - * /`, comparisons, `and or not`, parentheses, and `abs`, `min`
    and `max`: `transforms.alarms.expression` checks it.
    """

    type: Literal["expression"] = "expression"
    expression: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_EXPRESSION)]


Condition = Annotated[
    ThresholdCondition
    | BandCondition
    | RateOfChangeCondition
    | NoDataCondition
    | DisconnectedCondition
    | StatusChangeCondition
    | MetricComparisonCondition
    | ExpressionCondition,
    Field(discriminator="type"),
]


class Quality(StrEnum):
    """How far a reading can be trusted, from its flags."""

    UNCERTAIN = "uncertain"
    """Its time or one of its values was replaced or left out."""
    GOOD = "good"


class RuleScope(_Part):
    """Which devices a rule concerns: those that match everything that is given here."""

    grid_id: Identifier | None = None
    device_id: Identifier | None = None
    device_type: Identifier | None = None
    component: Identifier | None = None

    @model_validator(mode="after")
    def _a_device_has_a_grid(self) -> Self:
        if self.device_id is not None and self.grid_id is None:
            raise ValueError("device_id needs a grid_id: devices of two grids may have one name")
        return self

    def covers(self, grid_id: str, device_id: str, device_type: str, component: str | None) -> bool:
        """Whether a device is one of them."""
        return (
            self.grid_id in {None, grid_id}
            and self.device_id in {None, device_id}
            and self.device_type in {None, device_type}
            and self.component in {None, component}
        )


class AlarmRuleDraft(_Part):
    """An alarm rule as it is written: without a version."""

    rule_id: RuleId
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    enabled: bool = True
    scope: RuleScope = RuleScope()
    condition: Condition
    severity: Severity
    message: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    """What the operator reads; `{metric_name:.1f}`, `{device_id}`, `{grid_id}` and `{component}` are filled
    in (`transforms.alarms.message` checks it). A device that sends the same text means the same alarm."""
    recommended_action: Annotated[str, StringConstraints(max_length=1_000)] = ""
    on_delay_seconds: DelaySeconds = 0
    """How long the condition must last, in the readings' own time, before the alarm is raised."""
    off_delay_seconds: DelaySeconds = 0
    """How long it must be over before the alarm ends."""
    latching: bool = False
    """Whether the alarm lasts, also when the condition is over, until an operator has acknowledged it."""
    chattering_delay: bool = True
    """Whether an alarm that comes and goes too often is made to last longer by itself."""
    minimum_quality: Quality = Quality.UNCERTAIN
    """Readings of less are not judged."""
    first_out_group: Identifier | None = None
    """Of the alarms of a group in one grid, the one that came first is marked: it may be the cause."""


class AlarmRule(AlarmRuleDraft):
    """An alarm rule as it is stored."""

    version: Annotated[int, Field(ge=1)]
    """Counts the changes of this rule; an alert names the one that raised it."""
    disabled_because: str | None = None
    """Why the engine itself has disabled it: it failed while it was evaluated. None: it did not."""

    @property
    def in_force(self) -> bool:
        """Whether readings are judged by it."""
        return self.enabled and self.disabled_because is None
