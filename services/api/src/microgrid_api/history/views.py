"""The JSON of history as charts show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema

from microgrid_api.history.curves import ShownPoint
from microgrid_api.history.historical import Granularity, History, Question
from microgrid_api.web.wire_time import format_local_time

_LocalTime = Annotated[
    datetime,
    PlainSerializer(format_local_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T00:00:00.000+03:00"]}),
]

_POINT: dict[str, JsonValue] = {
    "time": "2026-11-23T00:00:00.000+03:00",
    "value": 10.5,
    "min": 9.8,
    "max": 11.2,
}
_SERIES: dict[str, JsonValue] = {
    "grid_id": "village-1",
    "metric": "consumption_kw",
    "device_id": None,
    "unit": "kW",
    "granularity": "1h",
    "thinned": False,
    "coverage": 0.9983,
    "time_zone": "Africa/Nairobi",
    "from": "2026-11-23T00:00:00.000+03:00",
    "to": "2026-11-24T00:00:00.000+03:00",
    "points": [_POINT, {"time": "2026-11-23T01:00:00.000+03:00", "value": None, "min": None, "max": None}],
}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class HistoricalPoint(BaseModel):
    """A point of a curve, or a gap in it."""

    model_config = _example(**_POINT)

    time: _LocalTime
    """On the clock of the grid. Of a roll-up, when it begins."""
    value: float | None
    """The value measured, or the mean of a roll-up. Null: a gap begins here, and no line leads over it."""
    min: float | None
    """The lowest value of the roll-up, and of those left out since the point before."""
    max: float | None
    """The highest one."""
    device_id: Annotated[str | None, Field(exclude_if=lambda device_id: device_id is None)] = None
    """Who measured it; left out where there is one curve only."""
    implausible_step: Annotated[bool, Field(exclude_if=lambda is_so: not is_so)] = False
    """Whether it is further from the device's value before than is believable; left out when it is not."""

    @classmethod
    def of(cls, point: ShownPoint, device_id: str | None, zone: ZoneInfo) -> Self:
        """`point` as clients see it, on the clock of `zone`."""
        return cls(
            time=datetime.fromtimestamp(point.time_ms / 1000, zone),
            value=point.value,
            min=point.minimum,
            max=point.maximum,
            device_id=device_id,
            implausible_step=point.is_implausible_step,
        )


class HistoricalSeries(BaseModel):
    """The history of one metric."""

    model_config = _example(**_SERIES)

    grid_id: str
    metric: str
    """The canonical name."""
    device_id: str | None
    """The device that was asked for; null: all of the grid together."""
    unit: str
    """Of the values; empty for a state that is 0 or 1."""
    granularity: Granularity
    """The one that was taken: `raw`, `5m`, `1h` or `1d`."""
    thinned: bool
    """Whether points were left out to fit the screen; `min` and `max` still tell of them."""
    coverage: float
    """The share of the time until now that something is known about, from 0 to 1; the mean of the devices."""
    time_zone: str
    """The time zone of the grid, an IANA name: days and hours are those of its clock."""
    from_: Annotated[_LocalTime, Field(serialization_alias="from")]
    """When the time begins: with roll-ups, when the first one of it does."""
    to: _LocalTime
    """When it ends."""
    points: list[HistoricalPoint]
    """In order of time; empty when nothing is known."""

    @classmethod
    def of(cls, question: Question, history: History) -> Self:
        """The answer to `question` as clients see it."""
        zone = question.grid.zone
        return cls(
            grid_id=question.grid.grid_id,
            metric=question.metric.name,
            device_id=question.device_id,
            unit=question.metric.unit,
            granularity=history.granularity,
            thinned=history.thinned,
            coverage=history.coverage,
            time_zone=question.grid.time_zone,
            from_=history.start.astimezone(zone),
            to=history.end.astimezone(zone),
            points=[
                HistoricalPoint.of(point, device_id, zone) for point, device_id in _in_order_of_time(history)
            ],
        )


class HistoricalSet(BaseModel):
    """The history of several metrics of a grid."""

    model_config = _example(grid_id="village-1", series=[_SERIES])

    grid_id: str
    series: list[HistoricalSeries]
    """In the order in which they were asked for."""


def _in_order_of_time(history: History) -> Sequence[tuple[ShownPoint, str | None]]:
    points = [(point, line.device_id) for line in history.lines for point in line.points]
    if len(history.lines) > 1:
        points.sort(key=lambda found: (found[0].time_ms, found[1]))
    return points
