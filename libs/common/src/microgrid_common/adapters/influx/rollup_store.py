"""The store of roll-ups in InfluxDB 2: a bucket of five-minute summaries and one of hours.

A row is a point of the measurement `rollup` with the tags `device_id`, `grid_id` and `metric`, its figures as
fields, and the start as its time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self, TypeVar

from microgrid_common.adapters.epoch_milliseconds import NANOSECONDS
from microgrid_common.adapters.influx.influxql import AnswerTooLargeError, Table
from microgrid_common.adapters.influx.responses import PointsRefusedError, WriteTooLargeError
from microgrid_common.adapters.influx.server import TIMEOUT, Access, InfluxServer
from microgrid_common.ports.errors import PermanentError, TooManyPointsError
from microgrid_common.ports.retention import RAW_KEPT, ROLLUPS_KEPT
from microgrid_common.ports.rollup_store import MAXIMUM_ROLLUPS, Series
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

Figures = TypeVar("Figures", Summary, Rollup)

MEASUREMENT = "rollup"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROWS_PER_REQUEST = 5_000
_IN_SPAN = "grid_id = $grid{0} AND time >= $start{0} AND time < $end{0}"


def five_minutes_bucket(bucket: str) -> str:
    """The bucket of the five-minute summaries, beside that of the readings."""
    return f"{bucket}_5m"


def hours_bucket(bucket: str) -> str:
    """The bucket of the hours, beside that of the readings."""
    return f"{bucket}_1h"


async def set_up_buckets(server: InfluxServer, bucket: str) -> dict[str, bool]:
    """Make the buckets of readings and roll-ups, or give those that are there their retention.

    Returns:
        Bucket → whether it is new.

    Raises:
        RetryableError: the server is away, or does not let us.
    """
    wanted = {
        bucket: RAW_KEPT,
        five_minutes_bucket(bucket): ROLLUPS_KEPT,
        hours_bucket(bucket): ROLLUPS_KEPT,
    }
    return {name: await server.make_bucket(name, keep=keep) for name, keep in wanted.items()}


async def make_tokens(server: InfluxServer, bucket: str) -> dict[str, str]:
    """Make a token for those who write readings and roll-ups, and one for those who only read them.

    Returns:
        `writer` and `reader` → the token.

    Raises:
        RetryableError: the server is away, does not let us, or a bucket is missing.
    """
    buckets = (bucket, five_minutes_bucket(bucket), hours_bucket(bucket))
    allowed: dict[str, tuple[Access, ...]] = {"writer": ("read", "write"), "reader": ("read",)}
    return {
        name: await server.make_token(f"microgrid {name}", dict.fromkeys(buckets, access))
        for name, access in allowed.items()
    }


class InfluxRollupStore:
    """Implements `RollupStore` on two buckets of InfluxDB 2. An asynchronous context manager.

    Args:
        url: such as `http://127.0.0.1:8086`.
        token: may read and write the buckets.
        org: the name of the organisation.
        bucket: the name of the bucket of the readings, after which those of the roll-ups are named.
        timeout: for one request.
        maximum_rollups: the most that one question gives.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        org: str,
        bucket: str,
        timeout: timedelta = TIMEOUT,
        maximum_rollups: int = MAXIMUM_ROLLUPS,
    ) -> None:
        self._server = InfluxServer(url=url, token=token, org=org, timeout=timeout)
        self._five_minutes = five_minutes_bucket(bucket)
        self._hours = hours_bucket(bucket)
        self._maximum_rollups = maximum_rollups

    async def __aenter__(self) -> Self:
        """Make the HTTP client."""
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self._server.__aexit__(*exception)

    async def write_summaries(self, rows: Sequence[tuple[Series, Summary]]) -> None:
        """As `RollupStore.write_summaries`."""
        await self._write(self._five_minutes, rows)

    async def write_hours(self, rows: Sequence[tuple[Series, Rollup]]) -> None:
        """As `RollupStore.write_hours`."""
        await self._write(self._hours, rows)

    async def device_summaries(self, spans: Sequence[DeviceSpan]) -> list[dict[str, list[Summary]]]:
        """As `RollupStore.device_summaries`."""
        if not spans:
            return []
        statement = _select(Summary, f"{_IN_SPAN} AND device_id = $device{{0}}", key="metric")
        parameters: dict[str, str | int] = {}
        for number, span in enumerate(spans):
            parameters |= _span_parameters(number, span.grid_id, Span(span.start_ms, span.end_ms))
            parameters[f"device{number}"] = span.device_id
        statements = [statement.format(number) for number in range(len(spans))]
        answers = await self._server.select(self._five_minutes, statements, parameters)
        return [_by_tag(tables, "metric", Summary) for tables in answers]

    async def summaries(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Summary]]:
        """As `RollupStore.summaries`."""
        parameters = {**_span_parameters(0, grid_id, span), "metric": metric}
        return await self._read(self._five_minutes, Summary, parameters, device_id)

    async def hours(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Rollup]]:
        """As `RollupStore.hours`."""
        parameters = {**_span_parameters(0, grid_id, span), "metric": metric}
        return await self._read(self._hours, Rollup, parameters, device_id)

    async def forget(self, now: datetime) -> int:  # noqa: ARG002 - the server has a clock of its own
        """As `RollupStore.forget`: the buckets do it, see `set_up_buckets`."""
        return 0

    async def ping(self) -> None:
        """As `RollupStore.ping`."""
        await self._server.ping(self._five_minutes)
        await self._server.ping(self._hours)

    async def _write(self, bucket: str, rows: Sequence[tuple[Series, Figures]]) -> None:
        for first in range(0, len(rows), _ROWS_PER_REQUEST):
            lines = [_line(*row) for row in rows[first : first + _ROWS_PER_REQUEST]]
            try:
                await self._server.write(bucket, "\n".join(lines).encode())
            except (PointsRefusedError, WriteTooLargeError) as error:
                raise PermanentError(f"InfluxDB refused roll-ups: {error}") from error

    async def _read(
        self,
        bucket: str,
        figures: type[Figures],
        parameters: Mapping[str, str | int],
        device_id: str | None,
    ) -> dict[str, list[Figures]]:
        condition = f"{_IN_SPAN.format(0)} AND metric = $metric"
        if device_id is not None:
            condition += " AND device_id = $device"
            parameters = {**parameters, "device": device_id}
        try:
            (tables,) = await self._server.select(
                bucket, [_select(figures, condition, key="device_id")], parameters
            )
        except AnswerTooLargeError:
            raise TooManyPointsError(self._maximum_rollups) from None
        if sum(len(table.rows) for table in tables) > self._maximum_rollups:
            raise TooManyPointsError(self._maximum_rollups)
        return _by_tag(tables, "device_id", figures)


def _span_parameters(number: int, grid_id: str, span: Span) -> dict[str, str | int]:
    return {
        f"grid{number}": grid_id,
        f"start{number}": span.start_ms * NANOSECONDS,
        f"end{number}": span.end_ms * NANOSECONDS,
    }


def _select(figures: type[tuple[Any, ...]], condition: str, *, key: str) -> str:
    # The first field is the start, which comes as the time. Quoted, since first and mean are functions.
    fields = ", ".join(f'"{field}"' for field in _fields(figures)[1:])
    return f"SELECT {fields} FROM {MEASUREMENT} WHERE {condition} GROUP BY {key}"  # noqa: S608 - own names


def _by_tag(tables: Iterable[Table], tag: str, figures: type[Figures]) -> dict[str, list[Figures]]:
    return {table.tags[tag]: list(map(figures._make, table.rows)) for table in tables}


def _line(series: Series, figures: Summary | Rollup) -> str:
    if not all(map(_NAME.fullmatch, series)):
        raise PermanentError(f"{series!r}: a name would need escaping")
    fields = ",".join(
        f"{name}={value}i" if _is_whole(name) else f"{name}={float(value)!r}"
        for name, value in zip(_fields(type(figures))[1:], figures[1:], strict=True)
        if value is not None
    )
    device_id, grid_id, metric = series.device_id, series.grid_id, series.metric
    return (
        f"{MEASUREMENT},device_id={device_id},grid_id={grid_id},metric={metric} {fields} {figures.start_ms}"
    )


def _fields(figures: type[tuple[Any, ...]]) -> tuple[str, ...]:
    names: tuple[str, ...] = figures._fields  # type: ignore[attr-defined]  # of every named tuple
    return names


def _is_whole(field: str) -> bool:
    return field == "points" or field.endswith("_ms")
