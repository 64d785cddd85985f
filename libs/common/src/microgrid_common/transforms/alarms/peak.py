"""How far a reading is beyond the limit of a condition."""

from collections.abc import Callable, Mapping

from microgrid_common.schemas.alarm_rule import (
    BandCondition,
    Comparison,
    Condition,
    MetricComparisonCondition,
    ThresholdCondition,
)

Excess = Callable[[Mapping[str, float]], float]
"""The metrics of a reading → by how much they are beyond the limit, negative within it."""


def excess_of(condition: Condition) -> Excess | None:
    """How far readings are beyond the limit of a condition; None when it has no limit to be beyond."""
    match condition:
        case ThresholdCondition(metric=metric, comparison=comparison, threshold=threshold):
            sign = _direction(comparison)
            return lambda metrics: sign * (metrics[metric] - threshold)
        case BandCondition(metric=metric, low=low, high=high):
            return lambda metrics: max(low - metrics[metric], metrics[metric] - high)
        case MetricComparisonCondition(metric=metric, other_metric=other, factor=factor, offset=offset):
            sign = _direction(condition.comparison)
            return lambda metrics: sign * (metrics[metric] - (factor * metrics[other] + offset))
        case _:
            return None


def _direction(comparison: Comparison) -> int:
    return 1 if comparison in {Comparison.ABOVE, Comparison.AT_LEAST} else -1
