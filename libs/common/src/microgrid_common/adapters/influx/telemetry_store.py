"""The telemetry store in InfluxDB 2."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Self

from microgrid_common.adapters.epoch_milliseconds import NANOSECONDS
from microgrid_common.adapters.influx.influxql import Table
from microgrid_common.adapters.influx.line_protocol import MEASUREMENT, UnencodableError, encode
from microgrid_common.adapters.influx.responses import PointsRefusedError, WriteTooLargeError
from microgrid_common.adapters.influx.server import TIMEOUT, InfluxServer
from microgrid_common.ports.errors import PartialWriteError, TooManyPointsError
from microgrid_common.ports.telemetry_store import MAXIMUM_POINTS, DeviceSpan, Point
from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.rollups.samples import Samples

_FAR_FUTURE = datetime(2200, 1, 1, tzinfo=UTC)
"""An end for a range that has none: without one, Flux stops at the server's now, and a device's clock may
be ahead of it."""

_SOURCE = f"""
from(bucket: bucket)
  |> range(start: start, stop: end)
  |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r.grid_id == grid_id)
"""
_LATEST = _SOURCE + '|> last() |> keep(columns: ["_time", "_value", "_field", "device_id"])'
_METRIC = _SOURCE + "|> filter(fn: (r) => r._field == metric)"
_OF_DEVICE = "|> filter(fn: (r) => r.device_id == device_id)"
_POINTS = '|> keep(columns: ["_time", "_value", "device_id"])'

_BY_TIME = attrgetter("time", "device_id")

_READINGS_PER_REQUEST = 5_000
"""The server's price of a reading halves from 500 to here, and hardly falls after it."""

ROWS_AT_ONCE = 5_000
"""So many rows of a device are read together, some 2 MB; a busy one has ten times that in five minutes."""

_DEVICE = (
    f"SELECT *::field FROM {MEASUREMENT} "  # noqa: S608 - of constants
    "WHERE grid_id = $grid{0} AND device_id = $device{0} AND time >= $start{0} AND time < $end{0} LIMIT {1}"
)


class InfluxTelemetryStore:
    """Implements `TelemetryStore` on a bucket of InfluxDB 2. An asynchronous context manager.

    Args:
        url: such as `http://127.0.0.1:8086`.
        token: may read and write the bucket.
        org: the name of the organisation.
        bucket: the name of the bucket; it must exist.
        timeout: for one request.
        maximum_points: the most that `history` gives.
        only_reads: whether the token may not write, which is not asked for then.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        org: str,
        bucket: str,
        timeout: timedelta = TIMEOUT,
        maximum_points: int = MAXIMUM_POINTS,
        only_reads: bool = False,
    ) -> None:
        self._server = InfluxServer(url=url, token=token, org=org, timeout=timeout)
        self._bucket = bucket
        self._maximum_points = maximum_points
        self._only_reads = only_reads

    async def __aenter__(self) -> Self:
        """Make the HTTP client."""
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self._server.__aexit__(*exception)

    async def write(self, readings: Sequence[Reading]) -> None:
        """As `TelemetryStore.write`."""
        rejected: list[tuple[Reading, str]] = []
        for first in range(0, len(readings), _READINGS_PER_REQUEST):
            await self._write_what_can_be(readings[first : first + _READINGS_PER_REQUEST], rejected)
        if rejected:
            raise PartialWriteError(
                f"InfluxDB refused {len(rejected)} of {len(readings)} readings: {rejected[0][1]}",
                rejected=[reading for reading, _ in rejected],
            )

    async def latest(self, grid_id: str, *, since: datetime) -> dict[str, Point]:
        """As `TelemetryStore.latest`."""
        newest: dict[str, Point] = {}
        parameters: dict[str, str | datetime] = {
            "bucket": self._bucket,
            "start": since,
            "end": _FAR_FUTURE,
            "grid_id": grid_id,
        }
        columns = ("_field", "device_id", "_time", "_value")
        async with aclosing(self._server.query(_LATEST, parameters, columns)) as batches:
            async for rows in batches:
                for metric, device_id, time, value in rows:
                    point = _point(device_id, time, value)
                    if metric not in newest or _BY_TIME(newest[metric]) < _BY_TIME(point):
                        newest[metric] = point
        return newest

    async def history(
        self, grid_id: str, metric: str, *, start: datetime, end: datetime, device_id: str | None = None
    ) -> list[Point]:
        """As `TelemetryStore.history`."""
        # Flux refuses an empty range.
        if start >= end:
            return []
        parameters: dict[str, str | datetime] = {
            "bucket": self._bucket,
            "start": start,
            "end": end,
            "grid_id": grid_id,
            "metric": metric,
        }
        query = _METRIC
        if device_id is not None:
            parameters["device_id"] = device_id
            query += _OF_DEVICE
        points: list[Point] = []
        columns = ("device_id", "_time", "_value")
        async with aclosing(self._server.query(query + _POINTS, parameters, columns)) as batches:
            async for rows in batches:
                points.extend([_point(*row) for row in rows])
                if len(points) > self._maximum_points:
                    raise TooManyPointsError(self._maximum_points)
        # One sorted run for each device, which this sort merges.
        points.sort(key=_BY_TIME)
        return points

    async def device_samples(self, spans: Sequence[DeviceSpan]) -> list[dict[str, Samples]]:
        """As `TelemetryStore.device_samples`."""
        found: list[dict[str, Samples]] = [{} for _ in spans]
        left = dict(enumerate(spans))
        while left:
            rest: dict[int, DeviceSpan] = {}
            for (number, span), tables in zip(left.items(), await self._select(left), strict=True):
                for table in tables:
                    _add(table, found[number])
                    if len(table.rows) == ROWS_AT_ONCE:
                        rest[number] = span._replace(start_ms=table.rows[-1][0] + 1)
            left = rest
        return found

    async def _select(self, spans: Mapping[int, DeviceSpan]) -> list[list[Table]]:
        parameters: dict[str, str | int] = {}
        for number, span in spans.items():
            parameters |= {
                f"grid{number}": span.grid_id,
                f"device{number}": span.device_id,
                f"start{number}": span.start_ms * NANOSECONDS,
                f"end{number}": span.end_ms * NANOSECONDS,
            }
        statements = [_DEVICE.format(number, ROWS_AT_ONCE) for number in spans]
        return await self._server.select(self._bucket, statements, parameters)

    async def forget(self, now: datetime) -> int:  # noqa: ARG002 - the server has a clock of its own
        """As `TelemetryStore.forget`: the buckets do it, see `set_up_buckets`."""
        return 0

    async def ping(self) -> None:
        """As `TelemetryStore.ping`."""
        await (self._server.ping_to_read if self._only_reads else self._server.ping)(self._bucket)

    async def _write_what_can_be(
        self, readings: Sequence[Reading], rejected: list[tuple[Reading, str]]
    ) -> None:
        """Write what InfluxDB takes, and add what it does not to `rejected`, with the reason.

        What is refused is halved until single readings are left. So every reading that is not rejected
        went with an accepted request, which also covers what InfluxDB leaves open: of a write into several
        shards it reports the first refusal, before the rest is done.
        """
        try:
            await self._post(readings)
        except (PointsRefusedError, WriteTooLargeError, UnencodableError) as error:
            dropped = error.dropped if isinstance(error, PointsRefusedError) else None
            if len(readings) == 1 or dropped == len(readings):
                rejected.extend((reading, str(error)) for reading in readings)
                return
            # In the order of time, what is past the retention is together at the beginning, so that few
            # halves hold both kinds. The sort is stable: of one identity, the later reading stays so.
            in_order = sorted(readings, key=attrgetter("timestamp"))
            middle = len(in_order) // 2
            await self._write_what_can_be(in_order[:middle], rejected)
            await self._write_what_can_be(in_order[middle:], rejected)

    async def _post(self, readings: Sequence[Reading]) -> None:
        await self._server.write(self._bucket, encode(readings))


def _point(device_id: str, time: str, value: str) -> Point:
    return Point(device_id, datetime.fromisoformat(time), float(value))


def _add(table: Table, samples: dict[str, Samples]) -> None:
    """Add the points of a table to those of each metric."""
    times, *columns = zip(*table.rows, strict=True)
    for metric, values in zip(table.columns[1:], columns, strict=True):
        if None not in values:
            samples.setdefault(metric, Samples()).extend(times, values)
        # Every field of the measurement has a column, also those that this device has no points of.
        elif known := [number for number, value in enumerate(values) if value is not None]:
            samples.setdefault(metric, Samples()).extend(
                [times[number] for number in known], [values[number] for number in known]
            )
