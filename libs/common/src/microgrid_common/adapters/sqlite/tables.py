"""Tables: made when a file is new, checked when it is not; and the one that names series."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from microgrid_common.adapters.sqlite.database_thread import DatabaseThread, in_transaction
from microgrid_common.ports.errors import PermanentError

SERIES_TABLE = """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        grid_id TEXT NOT NULL,
        metric TEXT NOT NULL,
        device_id TEXT NOT NULL,
        UNIQUE (grid_id, metric, device_id)
    ) STRICT
"""


def tables_maker(tables: Sequence[str], *, version: int) -> Callable[[sqlite3.Connection], None]:
    """What makes the tables of a new file, and refuses a file that a later program made.

    Args:
        tables: the statements that make them.
        version: of the tables, kept in the file as `user_version`.
    """

    def make_tables(connection: sqlite3.Connection) -> None:
        # Nearly always there is nothing to make; then no lock is needed, which another process may hold.
        if _version_of(connection, up_to=version) == version:
            return
        with in_transaction(connection):
            if _version_of(connection, up_to=version) == 0:
                for statement in tables:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version}")

    return make_tables


def find_or_make_series(connection: sqlite3.Connection, grid_id: str, device_id: str, metric: str) -> int:
    """The id of a series; it is made when missing, in the transaction that is open."""
    name = (grid_id, metric, device_id)
    connection.execute(
        "INSERT INTO series (grid_id, metric, device_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", name
    )
    found = connection.execute(
        "SELECT id FROM series WHERE grid_id = ? AND metric = ? AND device_id = ?", name
    ).fetchone()
    return int(found[0])


async def forget_old_rows(writer: DatabaseThread, table: str, column: str, *, before_ms: int) -> int:
    """Delete the old rows of every series, one series after the other, so that no write waits long.

    Args:
        writer: the thread that writes.
        table: a table of rows by `series_id` and time.
        column: the time, in milliseconds since 1970.
        before_ms: rows of an earlier time go.

    Returns:
        How many rows were deleted.
    """
    statement = f"DELETE FROM {table} WHERE series_id = ? AND {column} < ?"  # noqa: S608 - names of our own

    def list_series(connection: sqlite3.Connection) -> list[int]:
        return [series_id for (series_id,) in connection.execute("SELECT id FROM series ORDER BY id")]

    def delete(connection: sqlite3.Connection, series_id: int) -> int:
        return connection.execute(statement, (series_id, before_ms)).rowcount

    deleted = 0
    for series_id in await writer.run(list_series):
        deleted += await writer.run(partial(delete, series_id=series_id))
    return deleted


def _version_of(connection: sqlite3.Connection, *, up_to: int) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > up_to:
        raise PermanentError(f"the telemetry file has version {version}; this program knows up to {up_to}")
    return int(version)
