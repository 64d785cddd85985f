"""The telemetry store in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path
from typing import Self

from microgrid_common.adapters.epoch_milliseconds import (
    EPOCH,
    MILLISECOND,
    first_millisecond_from,
    from_milliseconds,
)
from microgrid_common.adapters.sqlite.database_thread import DatabaseThread, in_transaction
from microgrid_common.adapters.sqlite.tables import (
    SERIES_TABLE,
    find_or_make_series,
    forget_old_rows,
    tables_maker,
)
from microgrid_common.ports.errors import PartialWriteError, TooManyPointsError
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.telemetry_store import MAXIMUM_POINTS, DeviceSpan, Point
from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.rollups.samples import Samples

_BUSY_TIMEOUT = timedelta(seconds=5)
"""Longer than any write of ours; a process that holds the file longer than this is in trouble."""

_VERSION = 1
"""Of the tables, kept in the file as `user_version`."""

_TABLES = (
    SERIES_TABLE,
    """
    CREATE TABLE samples (
        series_id INTEGER NOT NULL,
        timestamp_ms INTEGER NOT NULL,
        -- A NaN arrives as NULL.
        value REAL NOT NULL CHECK (abs(value) <= 1.7976931348623157e308),
        PRIMARY KEY (series_id, timestamp_ms)
    ) STRICT, WITHOUT ROWID
    """,
)

_WRITE = """
    INSERT INTO samples (series_id, timestamp_ms, value) VALUES (?, ?, ?)
    ON CONFLICT (series_id, timestamp_ms) DO UPDATE SET value = excluded.value
"""

_LATEST = """
    SELECT metric, device_id, timestamp_ms, value
    FROM series JOIN samples ON series_id = id
    WHERE grid_id = :grid_id AND timestamp_ms >= :since
        AND timestamp_ms = (SELECT max(timestamp_ms) FROM samples WHERE series_id = id)
    ORDER BY timestamp_ms, device_id
"""

_HISTORY = """
    SELECT device_id, timestamp_ms, value
    FROM series JOIN samples ON series_id = id
    WHERE grid_id = :grid_id AND metric = :metric AND device_id = ifnull(:device_id, device_id)
        AND timestamp_ms >= :start AND timestamp_ms < :end
    ORDER BY timestamp_ms, device_id
    LIMIT :limit
"""

_DEVICE = """
    SELECT metric, timestamp_ms, value
    FROM series JOIN samples ON series_id = id
    WHERE grid_id = ? AND device_id = ? AND timestamp_ms >= ? AND timestamp_ms < ?
    ORDER BY metric, timestamp_ms
"""


class SqliteTelemetryStore:
    """Implements `TelemetryStore` in one file. An asynchronous context manager.

    Several processes may use the same file. Writes and reads have a thread and a connection each, so that
    a long read never holds up a write. The file is opened at the first call.

    Args:
        path: the file; it is made when missing, and its folder with mode 0700.
        busy_timeout: how long a write waits for another process that is writing.
        maximum_points: the most that `history` gives.
        accept_for: a reading that comes later than so long after its time is refused; None: never.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_timeout: timedelta = _BUSY_TIMEOUT,
        maximum_points: int = MAXIMUM_POINTS,
        accept_for: timedelta | None = None,
    ) -> None:
        make_tables = tables_maker(_TABLES, version=_VERSION)
        self._writer = DatabaseThread(
            path, name="telemetry-write", busy_timeout=busy_timeout, prepare=make_tables
        )
        self._reader = DatabaseThread(
            path, name="telemetry-read", busy_timeout=busy_timeout, prepare=make_tables
        )
        self._maximum_points = maximum_points
        self._accept_for = accept_for
        self._series: dict[tuple[str, str], dict[str, int]] = {}
        """(grid_id, device_id) → metric → series; only used in the thread that writes."""

    async def __aenter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for what is running, and close the file."""
        await self._reader.close()
        await self._writer.close()

    async def write(self, readings: Sequence[Reading]) -> None:
        """As `TelemetryStore.write`."""
        in_time, too_late = self._sort_out(readings)
        not_finite = await self._writer.run(lambda connection: self._write(connection, in_time))
        if not_finite or too_late:
            why = "a value is not finite" if not_finite else f"it is older than {self._accept_for}"
            rejected = [*too_late, *not_finite]
            raise PartialWriteError(
                f"SQLite refused {len(rejected)} of {len(readings)} readings: {why}", rejected=rejected
            )

    async def latest(self, grid_id: str, *, since: datetime) -> dict[str, Point]:
        """As `TelemetryStore.latest`."""
        parameters = {"grid_id": grid_id, "since": first_millisecond_from(since)}

        def read(connection: sqlite3.Connection) -> dict[str, Point]:
            newest: dict[str, Point] = {}
            for metric, device_id, milliseconds, value in connection.execute(_LATEST, parameters):
                newest[metric] = Point(device_id, from_milliseconds(milliseconds), value)
            return newest

        return await self._reader.run(read)

    async def history(
        self, grid_id: str, metric: str, *, start: datetime, end: datetime, device_id: str | None = None
    ) -> list[Point]:
        """As `TelemetryStore.history`."""
        parameters = {
            "grid_id": grid_id,
            "metric": metric,
            "device_id": device_id,
            "start": first_millisecond_from(start),
            "end": first_millisecond_from(end),
            "limit": self._maximum_points + 1,
        }

        def read(connection: sqlite3.Connection) -> list[Point]:
            return [
                Point(device_id, from_milliseconds(milliseconds), value)
                for device_id, milliseconds, value in connection.execute(_HISTORY, parameters)
            ]

        points = await self._reader.run(read)
        if len(points) > self._maximum_points:
            raise TooManyPointsError(self._maximum_points)
        return points

    async def device_samples(self, spans: Sequence[DeviceSpan]) -> list[dict[str, Samples]]:
        """As `TelemetryStore.device_samples`."""

        def read(connection: sqlite3.Connection) -> list[dict[str, Samples]]:
            return [_by_metric(connection.execute(_DEVICE, span)) for span in spans]

        return await self._reader.run(read)

    async def forget(self, now: datetime) -> int:
        """As `TelemetryStore.forget`."""
        return await forget_old_rows(
            self._writer, "samples", "timestamp_ms", before_ms=first_millisecond_from(now - RAW_KEPT)
        )

    async def ping(self) -> None:
        """As `TelemetryStore.ping`."""
        await self._reader.run(lambda connection: connection.execute("SELECT 1 FROM series LIMIT 1"))

    def _sort_out(self, readings: Sequence[Reading]) -> tuple[Sequence[Reading], Sequence[Reading]]:
        """The readings that come in time, and those that do not."""
        if self._accept_for is None:
            return readings, ()
        earliest = datetime.now(UTC) - self._accept_for
        too_late = [reading for reading in readings if reading.timestamp < earliest]
        if not too_late:
            return readings, ()
        return [reading for reading in readings if reading.timestamp >= earliest], too_late

    def _write(self, connection: sqlite3.Connection, readings: Sequence[Reading]) -> Sequence[Reading]:
        """Store what can be stored, and return what cannot."""
        try:
            self._upsert(connection, readings)
        except sqlite3.IntegrityError:
            self._upsert(connection, [reading for reading in readings if _is_finite(reading)])
            return [reading for reading in readings if not _is_finite(reading)]
        return ()

    def _upsert(self, connection: sqlite3.Connection, readings: Iterable[Reading]) -> None:
        try:
            with in_transaction(connection):
                connection.executemany(_WRITE, self._rows(connection, readings))
        except BaseException:
            # The series that were made in the transaction are gone with it.
            self._series.clear()
            raise

    def _rows(
        self, connection: sqlite3.Connection, readings: Iterable[Reading]
    ) -> list[tuple[int, int, float]]:
        rows: list[tuple[int, int, float]] = []
        for reading in readings:
            device = (reading.grid_id, reading.device_id)
            series = self._series.setdefault(device, {})
            milliseconds = (reading.timestamp - EPOCH) // MILLISECOND
            for metric, value in reading.metrics.items():
                if metric not in series:
                    series[metric] = find_or_make_series(connection, *device, metric)
                rows.append((series[metric], milliseconds, value))
        return rows


def _by_metric(rows: Iterable[tuple[str, int, float]]) -> dict[str, Samples]:
    by_metric: dict[str, Samples] = {}
    for metric, milliseconds, value in rows:
        by_metric.setdefault(metric, Samples()).append(milliseconds, value)
    return by_metric


def _is_finite(reading: Reading) -> bool:
    return all(map(isfinite, reading.metrics.values()))
