"""Metric values, one by one: to a number, to the canonical unit, within the catalogue's range."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from microgrid_common.schemas.catalogue import BY_NAME_OR_ALIAS, Metric
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.outcome import field_path
from microgrid_common.units import UnknownUnitError, convert

_NO_UNITS: Mapping[str, str] = {}
_SHOWN_CHARACTERS = 60


FieldPath = tuple[str | int, ...]
"""Where something stands in a message, such as `("samples", 3, "metrics")`."""


class Cleaned(NamedTuple):
    """The values of one sample that can be trusted, and what became of the others."""

    metrics: dict[str, float]
    """Canonical name → value in the canonical unit."""
    flags: tuple[Flag, ...]
    defects: tuple[Defect, ...]


class _DefectError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail


def clean(values: Mapping[str, Any], units: Mapping[str, str] | None, path: FieldPath) -> Cleaned:
    """Clean and convert the values of one sample.

    A null is dropped, text that spells a number is taken for it; a boolean, anything else that is no
    number, a number that is not finite or out of the metric's range, and an unknown metric or unit are
    defects: they leave the other values alone.

    Args:
        values: metric name or alias → value as it was sent.
        units: metric name or alias → unit, where it is not the canonical one.
        path: where `values` stands in the message; `units` stands beside it.
    """
    metrics: dict[str, float] = {}
    flags: set[Flag] = set()
    defects: list[Defect] = []
    units = units or _NO_UNITS
    for name, value in values.items():
        metric = BY_NAME_OR_ALIAS.get(name)
        if (
            type(value) is float
            and metric is not None
            and metric.minimum <= value <= metric.maximum
            and metric.name not in metrics
            and name not in units
        ):
            # Nearly every value takes this short way. Adding zero turns -0.0, which reads oddly, into 0.0.
            metrics[metric.name] = value + 0.0
            continue
        try:
            _judge(name, value, units.get(name), metrics, flags)
        except _DefectError as error:
            defects.append(_defect((*path, name), error.reason, error.detail))
    if units:
        defects.extend(
            _defect((*path[:-1], "units", name), Reason.INVALID_FIELD, "names no metric of this sample")
            for name in units
            if name not in values
        )
    if defects:
        flags.add(Flag.DEFECT_DROPPED)
    return Cleaned(metrics, tuple(sorted(flags)) if flags else (), tuple(defects))


def _judge(name: str, value: object, unit: str | None, metrics: dict[str, float], flags: set[Flag]) -> None:
    """Add one value to `metrics`, or a flag that says why not.

    Raises:
        _DefectError: the value is refused.
    """
    metric = BY_NAME_OR_ALIAS.get(name)
    if metric is None:
        raise _DefectError(Reason.UNKNOWN_METRIC, "not in the metric catalogue")
    if value is None:
        flags.add(Flag.NULL_DROPPED)
        return
    if metric.name in metrics:
        raise _DefectError(Reason.INVALID_FIELD, f"the same metric as another field: {metric.name}")
    number = _number(value, flags)
    if unit is not None:
        try:
            number = convert(number, unit, metric.unit)
        except UnknownUnitError as error:
            raise _DefectError(Reason.UNKNOWN_UNIT, str(error)) from None
    # Written so that NaN fails it too.
    if not metric.minimum <= number <= metric.maximum:
        raise _out_of_range(metric, number)
    metrics[metric.name] = number + 0.0


def _number(value: object, flags: set[Flag]) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise _DefectError(Reason.OUT_OF_RANGE, "the number is too large") from None
    if isinstance(value, str):
        # float() alone would take "1_000" and digits of other scripts.
        if value.isascii() and "_" not in value:
            try:
                number = float(value)
            except ValueError:
                pass
            else:
                flags.add(Flag.NUMBER_FROM_TEXT)
                return number
        raise _DefectError(
            Reason.WRONG_TYPE, f"expected a number, got the text {value[:_SHOWN_CHARACTERS]!r}"
        )
    kind = {bool: "a boolean", dict: "an object", list: "an array"}.get(type(value), "something else")
    raise _DefectError(Reason.WRONG_TYPE, f"expected a number, got {kind}")


def _out_of_range(metric: Metric, value: float) -> _DefectError:
    if not isfinite(value):
        return _DefectError(Reason.NOT_FINITE, f"{value} is not a finite number")
    allowed = f"{metric.minimum:g} to {metric.maximum:g} {metric.unit}".rstrip()
    return _DefectError(Reason.OUT_OF_RANGE, f"{value} is outside {allowed}")


def _defect(path: FieldPath, reason: Reason, detail: str) -> Defect:
    return Defect(reason=reason, field=field_path(*path), detail=detail)
