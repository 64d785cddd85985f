"""Metrics as requests name them."""

from typing import Annotated, Final

from fastapi import Path, Query
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from microgrid_common.schemas.catalogue import BY_NAME_OR_ALIAS, Metric, find_metric

MOST_METRICS: Final = 10
"""More curves than people tell apart on one chart."""

_ALLOWED: Final = ", ".join(sorted(BY_NAME_OR_ALIAS))
_ANY: Final = "|".join(sorted(BY_NAME_OR_ALIAS))
_LONGEST_LIST: Final = MOST_METRICS * (1 + max(map(len, BY_NAME_OR_ALIAS)))


def canonical_name(name: str) -> str:
    """The canonical name of a metric that is called by it or by an alias.

    Raises:
        PydanticCustomError: there is no such metric; it names those that there are.
    """
    if (metric := find_metric(name)) is None:
        raise PydanticCustomError("unknown_metric", "Allowed: {allowed}", {"allowed": _ALLOWED})
    return metric.name


def metrics_of(names: str) -> list[Metric]:
    """The metrics of a list that was checked, each once, in its order."""
    found = [find_metric(name) for name in names.split(",")]
    return list(dict.fromkeys(metric for metric in found if metric is not None))


def _canonical_names(names: str) -> str:
    canonical = [canonical_name(name) for name in names.split(",")]
    if len(canonical) > MOST_METRICS:
        raise PydanticCustomError(
            "too_many_metrics", "At most {most} metrics at once", {"most": MOST_METRICS}
        )
    return ",".join(canonical)


_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "enum": sorted(BY_NAME_OR_ALIAS), "examples": ["consumption_kW"]}
)
_DESCRIPTION: Final = "A metric of the catalogue, by its name or an alias."

MetricInQuery = Annotated[str, AfterValidator(canonical_name), _SCHEMA, Query(description=_DESCRIPTION)]
MetricInPath = Annotated[str, AfterValidator(canonical_name), _SCHEMA, Path(description=_DESCRIPTION)]
MetricList = Annotated[
    str,
    AfterValidator(_canonical_names),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({_ANY})(,({_ANY})){{0,{MOST_METRICS - 1}}}$",
            "examples": ["consumption_kw,generation_kw,battery_soc"],
        }
    ),
    Query(
        max_length=_LONGEST_LIST,
        description=f"Up to {MOST_METRICS} metrics of the catalogue, by name or alias, separated by commas.",
    ),
]
