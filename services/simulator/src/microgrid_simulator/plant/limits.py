"""What the plant's devices were told not to exceed."""

import math
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PlantLimits:
    """The most that may flow, over all devices; infinite for no limit."""

    generation_kw: float = math.inf
    charge_kw: float = math.inf
    discharge_kw: float = math.inf


LimitHistory = tuple[tuple[datetime, PlantLimits], ...]
"""Since when which limits hold, in the order of time."""

_UNLIMITED = PlantLimits()


def limits_at(history: LimitHistory, time: datetime) -> PlantLimits:
    """The limits that hold at a time."""
    return next((limits for since, limits in reversed(history) if since <= time), _UNLIMITED)


def limits_until(history: LimitHistory, time: datetime) -> LimitHistory:
    """The part of a history that matters before a time."""
    return tuple((since, limits) for since, limits in history if since < time)
