"""Metric values, one by one: to a number, to the canonical unit, within the catalogue's range."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from microgrid_common.schemas.catalogue import BY_NAME_OR_ALIAS, Metric
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.reading import Flag
from microgrid_common.units import UnknownUnitError, convert

_NO_UNITS: Mapping[str, str] = {}
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The values of one sample that can be trusted, and what became of the others."""

    metrics: dict[str, float]
    """Canonical name → value in the canonical unit."""
    flags: tuple[Flag, ...]
    defects: tuple[Defect, ...]


class _DefectError(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail


def clean(values: Mapping[str, Any], units: Mapping[str, str] | None, path: str) -> Cleaned:
    """Clean and convert the values of one sample.

    A null is dropped, text that spells a number is taken for it; a boolean, anything else that is no
    number, a number that is not finite or out of the metric's range, and an unknown metric or unit are
    defects: they leave the other values alone.

    Args:
        values: metric name or alias → value as it was sent.
        units: metric name or alias → unit, where it is not the canonical one.
        path: where `values` stands in the message, such as `samples.3.metrics`.
    """
    metrics: dict[str, float] = {}
    flags: set[Flag] = set()
    defects: list[Defect] = []
    units = units or _NO_UNITS
    for name, value in values.items():
        try:
            metric = _metric(name, metrics)
            if value is None:
                flags.add(Flag.NULL_DROPPED)
                continue
            if type(value) is not float:
                value = _number(value, flags)  # noqa: PLW2901 - the raw value must not be used further
            if name in units:
                value = convert(value, units[name], metric.unit)  # noqa: PLW2901 - as above
            # Written so that NaN fails it too.
            if not metric.minimum <= value <= metric.maximum:
                raise _out_of_range(metric, value)
            metrics[metric.name] = value
        except _DefectError as error:
            defects.append(_defect(error.reason, f"{path}.{name}", error.detail))
        except UnknownUnitError as error:
            defects.append(_defect(Reason.UNKNOWN_UNIT, f"{path}.{name}", str(error)))
    if units:
        defects.extend(
            _defect(Reason.INVALID_FIELD, f"units.{name}", "names no metric of this sample")
            for name in units
            if name not in values
        )
    if defects:
        flags.add(Flag.DEFECT_DROPPED)
    return Cleaned(metrics, tuple(sorted(flags)) if flags else (), tuple(defects))


def _metric(name: str, seen: Mapping[str, float]) -> Metric:
    metric = BY_NAME_OR_ALIAS.get(name)
    if metric is None:
        raise _DefectError(Reason.UNKNOWN_METRIC, "not in the metric catalogue")
    if metric.name in seen:
        raise _DefectError(Reason.INVALID_FIELD, f"the same metric as another field: {metric.name}")
    return metric


def _number(value: object, flags: set[Flag]) -> float:
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise _DefectError(Reason.OUT_OF_RANGE, "the number is too large") from None
    if isinstance(value, str):
        # float() alone would take "nan", "1_000" and digits of other scripts.
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
    return _DefectError(Reason.OUT_OF_RANGE, f"{value:g} is outside {allowed}")


def _defect(reason: Reason, field: str, detail: str) -> Defect:
    return Defect(reason=reason, field=field[:200], detail=detail)
