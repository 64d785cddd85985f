"""The telemetry store in InfluxDB 2."""

import zlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from operator import attrgetter
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from influxdb_client import QueryService, WriteService
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from microgrid_common.adapters.influx.flux import Parameters, query_body, read_rows
from microgrid_common.adapters.influx.line_protocol import MEASUREMENT, UnencodableError, encode
from microgrid_common.adapters.influx.responses import (
    PointsRefusedError,
    Refusal,
    WriteTooLargeError,
    no_answer,
    unavailable,
    write_error,
)
from microgrid_common.ports.errors import PartialWriteError, RetryableError, TooManyPointsError
from microgrid_common.ports.telemetry_store import MAXIMUM_POINTS, Point
from microgrid_common.schemas.reading import Reading

_TIMEOUT = timedelta(seconds=10)
"""For a whole request: a write of 5,000 readings takes 0.05 s, a query of a million points some seconds."""

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

_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
"""zlib's number for the gzip format."""

_LARGEST_PLAIN_BODY_BYTES = 2**20
"""What aiohttp takes without a warning that copying more would hold up the event loop."""

_LARGEST_REFUSAL_BYTES = 64 * 1024
_NO_ANSWER = (aiohttp.ClientError, OSError, TimeoutError)


class InfluxTelemetryStore:
    """Implements `TelemetryStore` on a bucket of InfluxDB 2. An asynchronous context manager.

    Nothing is connected before the first call. Wrong settings (token, organisation, bucket) are
    `RetryableError`: they can be mended while the readings wait.

    Args:
        url: such as `http://127.0.0.1:8086`.
        token: may read and write the bucket.
        org: the name of the organisation.
        bucket: the name of the bucket; it must exist.
        timeout: for one request.
        maximum_points: the most that `history` gives.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        org: str,
        bucket: str,
        timeout: timedelta = _TIMEOUT,
        maximum_points: int = MAXIMUM_POINTS,
    ) -> None:
        self._url = url
        self._token = token
        self._org = org
        self._bucket = bucket
        self._timeout = timeout
        self._maximum_points = maximum_points
        # Gzip leaves a fifth of the bytes for 0.7 to 1.3 µs of our CPU a reading and as much of the
        # server's; on loopback there is nothing to gain.
        self._loopback = urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}

    async def __aenter__(self) -> Self:
        """Make the HTTP client."""
        self._client = InfluxDBClientAsync(
            self._url,
            self._token,
            self._org,
            timeout=self._timeout.total_seconds() * 1000,
            # A redirected write would be a GET somewhere else, with our token.
            allow_redirects=False,
        )
        # The client's write_api().write() compresses at gzip's slowest level, and its query_api() builds an
        # object a record; the services under them take and give bytes, for less than 0.2 ms of CPU a request.
        self._write_service = WriteService(self._client.api_client)
        self._query_service = QueryService(self._client.api_client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._client.close()

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
        parameters: Parameters = {"start": since, "end": _FAR_FUTURE, "grid_id": grid_id}
        columns = ("_field", "device_id", "_time", "_value")
        async with aclosing(self._query(_LATEST, parameters, columns)) as batches:
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
        parameters: Parameters = {"start": start, "end": end, "grid_id": grid_id, "metric": metric}
        query = _METRIC
        if device_id is not None:
            parameters["device_id"] = device_id
            query += _OF_DEVICE
        points: list[Point] = []
        columns = ("device_id", "_time", "_value")
        async with aclosing(self._query(query + _POINTS, parameters, columns)) as batches:
            async for rows in batches:
                points.extend([_point(*row) for row in rows])
                if len(points) > self._maximum_points:
                    raise TooManyPointsError(self._maximum_points)
        # One sorted run for each device, which this sort merges.
        points.sort(key=_BY_TIME)
        return points

    async def ping(self) -> None:
        """As `TelemetryStore.ping`: writes nothing, which checks token, organisation and bucket in 2 ms."""
        try:
            await self._post_lines(b"")
        except (PointsRefusedError, WriteTooLargeError) as error:
            raise RetryableError(f"InfluxDB refuses to take nothing: {error}") from error

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
        await self._post_lines(encode(readings))

    async def _post_lines(self, lines: bytes) -> None:
        gzip = not self._loopback or len(lines) > _LARGEST_PLAIN_BODY_BYTES
        try:
            await self._write_service.post_write_async(
                org=self._org,
                bucket=self._bucket,
                precision="ms",
                body=zlib.compress(lines, _GZIP_LEVEL, _GZIP_WINDOW) if gzip else lines,
                content_encoding="gzip" if gzip else "identity",
                content_type="text/plain; charset=utf-8",
                async_req=False,
            )
        except ApiException as error:
            raise write_error(Refusal(error.status, error.retry_after, error.body)) from None
        except _NO_ANSWER as error:
            raise no_answer(error) from error

    async def _query(
        self, text: str, parameters: Parameters, columns: tuple[str, ...]
    ) -> AsyncGenerator[list[tuple[str, ...]]]:
        """Rows of the answer, as they arrive."""
        body = query_body(text, {"bucket": self._bucket, **parameters})
        try:
            response: aiohttp.ClientResponse = await self._query_service.post_query_async(
                org=self._org, query=body, _preload_content=False, async_req=False
            )
            async with response:
                if response.status != HTTPStatus.OK:
                    answer = await response.content.read(_LARGEST_REFUSAL_BYTES)
                    raise unavailable(Refusal(response.status, response.headers.get("Retry-After"), answer))
                async for rows in read_rows(response.content.iter_any(), columns):
                    yield rows
        except _NO_ANSWER as error:
            raise no_answer(error) from error


def _point(device_id: str, time: str, value: str) -> Point:
    return Point(device_id, datetime.fromisoformat(time), float(value))
