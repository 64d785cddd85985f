"""What a metric's values are to energy."""

from enum import Enum
from types import MappingProxyType

from microgrid_common.schemas.catalogue import BY_NAME

MINUTE_MS = 60 * 1000


class Quantity(Enum):
    """How energy follows from the values of a metric."""

    LEVEL = "level"
    """It does not: a temperature, a voltage, a state."""
    POWER = "power"
    """A power in kW, of either sign: energy is the area under it."""
    COUNTER = "counter"
    """The reading of a meter in kWh: energy is by how much it grows."""


_BY_UNIT = {"kW": Quantity.POWER, "kWh": Quantity.COUNTER}

QUANTITIES: MappingProxyType[str, Quantity] = MappingProxyType(
    {name: _BY_UNIT.get(metric.unit, Quantity.LEVEL) for name, metric in BY_NAME.items()}
)
"""Canonical metric name → what its values are."""


def largest_growth_kwh(metric: str, duration_ms: int) -> float:
    """The most that a meter can have counted in a time; what is more is another meter, or a fault.

    Args:
        metric: the canonical name of a counter.
        duration_ms: at least; it counts as a minute when shorter.
    """
    return BY_NAME[metric].plausible_step * max(1.0, duration_ms / MINUTE_MS)
