"""The store of roll-ups in one SQLite file of its own.

Not in that of the readings: only one thread of one process writes to a file at a time, and the historian
should not have to wait for the roll-ups.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Self, TypeVar

from microgrid_common.adapters.epoch_milliseconds import first_millisecond_from
from microgrid_common.adapters.sqlite.database_thread import DatabaseThread, in_transaction
from microgrid_common.adapters.sqlite.tables import (
    SERIES_TABLE,
    find_or_make_series,
    forget_old_rows,
    tables_maker,
)
from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.retention import ROLLUPS_KEPT
from microgrid_common.ports.rollup_store import MAXIMUM_ROLLUPS, Series
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

Figures = TypeVar("Figures", Summary, Rollup)

_BUSY_TIMEOUT = timedelta(seconds=5)

_VERSION = 1
"""Of the tables, kept in the file as `user_version`."""

_TABLES = (
    SERIES_TABLE,
    """
    CREATE TABLE five_minutes (
        series_id INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        points INTEGER NOT NULL,
        mean REAL NOT NULL,
        minimum REAL NOT NULL,
        maximum REAL NOT NULL,
        first_ms INTEGER NOT NULL,
        first REAL NOT NULL,
        last_ms INTEGER NOT NULL,
        last REAL NOT NULL,
        covered_ms INTEGER NOT NULL,
        energy_in_kwh REAL NOT NULL,
        energy_out_kwh REAL NOT NULL,
        PRIMARY KEY (series_id, start_ms)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE hours (
        series_id INTEGER NOT NULL,
        start_ms INTEGER NOT NULL,
        end_ms INTEGER NOT NULL,
        points INTEGER NOT NULL,
        mean REAL,
        minimum REAL,
        maximum REAL,
        covered_ms INTEGER NOT NULL,
        energy_in_kwh REAL NOT NULL,
        energy_out_kwh REAL NOT NULL,
        PRIMARY KEY (series_id, start_ms)
    ) STRICT, WITHOUT ROWID
    """,
)


class SqliteRollupStore:
    """Implements `RollupStore` in one file. An asynchronous context manager.

    Several processes may use the same file. Writes and reads have a thread and a connection each. The file is
    opened at the first call.

    Args:
        path: the file; it is made when missing, and its folder with mode 0700.
        busy_timeout: how long a write waits for another process that is writing.
        maximum_rollups: the most that one question gives.
    """

    def __init__(
        self, path: Path, *, busy_timeout: timedelta = _BUSY_TIMEOUT, maximum_rollups: int = MAXIMUM_ROLLUPS
    ) -> None:
        make_tables = tables_maker(_TABLES, version=_VERSION)
        self._writer = DatabaseThread(
            path, name="rollups-write", busy_timeout=busy_timeout, prepare=make_tables
        )
        self._reader = DatabaseThread(
            path, name="rollups-read", busy_timeout=busy_timeout, prepare=make_tables
        )
        self._maximum_rollups = maximum_rollups

    async def __aenter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for what is running, and close the file."""
        await self._reader.close()
        await self._writer.close()

    async def write_summaries(self, rows: Sequence[tuple[Series, Summary]]) -> None:
        """As `RollupStore.write_summaries`."""
        await self._writer.run(partial(_write, table="five_minutes", rows=rows))

    async def write_hours(self, rows: Sequence[tuple[Series, Rollup]]) -> None:
        """As `RollupStore.write_hours`."""
        await self._writer.run(partial(_write, table="hours", rows=rows))

    async def device_summaries(self, spans: Sequence[DeviceSpan]) -> list[dict[str, list[Summary]]]:
        """As `RollupStore.device_summaries`."""
        statement = _select("metric", "five_minutes", Summary, "device_id = ?")

        def read(connection: sqlite3.Connection) -> list[dict[str, list[Summary]]]:
            return [
                _by_first_column(
                    connection.execute(statement, (span.grid_id, span.start_ms, span.end_ms, span.device_id)),
                    Summary,
                )
                for span in spans
            ]

        return await self._reader.run(read)

    async def summaries(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Summary]]:
        """As `RollupStore.summaries`."""
        return await self._read("five_minutes", Summary, (grid_id, *span, metric), device_id)

    async def hours(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Rollup]]:
        """As `RollupStore.hours`."""
        return await self._read("hours", Rollup, (grid_id, *span, metric), device_id)

    async def forget(self, now: datetime) -> int:
        """As `RollupStore.forget`."""
        before_ms = first_millisecond_from(now - ROLLUPS_KEPT)
        return sum(
            [
                await forget_old_rows(self._writer, table, "start_ms", before_ms=before_ms)
                for table in ("five_minutes", "hours")
            ]
        )

    async def ping(self) -> None:
        """As `RollupStore.ping`."""
        await self._reader.run(lambda connection: connection.execute("SELECT 1 FROM series LIMIT 1"))

    async def _read(
        self, table: str, figures: type[Figures], parameters: tuple[Any, ...], device_id: str | None
    ) -> dict[str, list[Figures]]:
        condition = "metric = ?"
        if device_id is not None:
            condition += " AND device_id = ?"
            parameters = (*parameters, device_id)
        statement = _select("device_id", table, figures, condition) + " LIMIT ?"
        limit = self._maximum_rollups + 1

        def read(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            return connection.execute(statement, (*parameters, limit)).fetchall()

        rows = await self._reader.run(read)
        if len(rows) == limit:
            raise TooManyPointsError(self._maximum_rollups)
        return _by_first_column(rows, figures)


def _select(key: str, table: str, figures: type[Figures], condition: str) -> str:
    return f"""
        SELECT {key}, {", ".join(figures._fields)}
        FROM series JOIN {table} ON series_id = id
        WHERE grid_id = ? AND start_ms >= ? AND start_ms < ? AND {condition}
        ORDER BY {key}, start_ms
    """  # noqa: S608 - names of our own


def _by_first_column(rows: Iterable[tuple[Any, ...]], figures: type[Figures]) -> dict[str, list[Figures]]:
    make: Callable[[Iterable[Any]], Figures] = figures._make
    return {key: [make(row[1:]) for row in some] for key, some in groupby(rows, key=itemgetter(0))}


def _write(
    connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Series, Summary | Rollup]]
) -> None:
    if not rows:
        return
    fields = rows[0][1]._fields
    statement = f"""
        REPLACE INTO {table} (series_id, {", ".join(fields)}) VALUES (?{", ?" * len(fields)})
    """  # noqa: S608 - names of our own
    with in_transaction(connection):
        ids: dict[Series, int] = {}
        for series, _ in rows:
            if series not in ids:
                ids[series] = find_or_make_series(connection, *series)
        connection.executemany(statement, [(ids[series], *figures) for series, figures in rows])
