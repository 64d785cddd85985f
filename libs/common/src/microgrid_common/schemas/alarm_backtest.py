"""What a rule would have raised over stored readings."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from microgrid_common.schemas.alert import RaisingReading
from microgrid_common.schemas.identifiers import Identifier

Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class BacktestEpisode(_Part):
    """One alarm that the rule would have raised."""

    device_id: Identifier
    raised_at: AwareDatetime
    cleared_at: AwareDatetime | None
    """None when it would have lasted at the end. A latching alarm lasts: nobody acknowledges it here."""
    message: str
    peak: RaisingReading | None
    """The reading that was furthest beyond the limit; None where a condition has no limit to be beyond: a
    status, a rate, silence, or an expression."""


class BacktestGap(_Part):
    """A time in which a device said nothing that the rule could judge."""

    device_id: Identifier
    start: AwareDatetime
    end: AwareDatetime


class BacktestReport(_Part):
    """What a rule would have raised over the stored readings from `start` to `end`, which is not part of it.

    Nothing is known before the start, and what is stored of a reading is its values: all count as good, and
    late ones as if they had come in time.
    """

    grid_id: Identifier
    rule_id: str
    start: AwareDatetime
    end: AwareDatetime
    devices: Count
    """How many devices of the grid the rule concerns."""
    readings_judged: Count
    alarms: Count
    alarms_per_hour: float
    worst_10_minutes_alarms: Count
    """The most alarms of any ten minutes."""
    chattering_alarms: Count
    """Devices on which it would have come three times within ten minutes."""
    active_seconds: float
    """How long the alarms would have lasted, added up over all devices."""
    episodes: tuple[BacktestEpisode, ...]
    """The first ones, in order of time."""
    episodes_left_out: Count
    """How many more there are."""
    gap_seconds: float
    """How long there was nothing to judge, added up over all devices."""
    gaps: tuple[BacktestGap, ...]
    """The longest ones."""
    gaps_left_out: Count
