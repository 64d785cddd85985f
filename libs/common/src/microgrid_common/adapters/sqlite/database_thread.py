"""One connection to an SQLite file, in a thread of its own."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from microgrid_common.ports.errors import PermanentError, RetryableError

Result = TypeVar("Result")

_CHECKPOINT_PAGES = 8_000
"""After how much in the write-ahead log (32 MB) it is copied into the file. A write touches a page for each
series, so a checkpoint at SQLite's own 1,000 pages writes the same ones again and again: readings of 500
devices go in at 40,000/s instead of 26,000/s, and the card of an edge box lives longer."""

_PASSING = {
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What another process, the disk or the permissions cause; with any other code the file itself is wrong."""

_PRIMARY_CODE = 0xFF
"""The low byte of an extended error code is the error's kind."""


_TRY_AGAIN_AFTER_SECONDS = 0.005


class DatabaseThread:
    """Runs operations on an SQLite file, one after the other, off the event loop.

    The file is opened at the first operation, and anew after one that failed: what was wrong then (a full
    disk, a folder not mounted) may be mended.

    Args:
        path: the file; it is made when missing, and its folder with mode 0700.
        name: of the thread.
        busy_timeout: how long to wait for another process that is writing.
        prepare: checks or makes the tables of a connection that was just opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        busy_timeout: timedelta,
        prepare: Callable[[sqlite3.Connection], None],
    ) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `operation` in the thread. It goes on there when the caller is cancelled.

        Raises:
            RetryableError: the file is locked, or cannot be opened, read or written.
            PermanentError: the file is no database, or a broken one.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._run, operation)

    async def close(self) -> None:
        """Wait for what is running, and close the file."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
        self._executor.shutdown(wait=True)

    def _run(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = self._open()
            return operation(self._connection)
        except OSError as error:
            raise RetryableError(f"{self._path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self._close()
            raise translate(error, self._path) from error

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout.total_seconds(), isolation_level=None
        )
        try:
            self._use_write_ahead_log(connection)
            # A write is durable when it returns, also through a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _use_write_ahead_log(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout.total_seconds()
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                # SQLite does not wait for a lock here when another one is making the same file: to wait
                # with the lock that it holds by then could be a deadlock.
                busy = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() >= deadline:
                    raise
                time.sleep(_TRY_AGAIN_AFTER_SECONDS)
            else:
                return

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


@contextmanager
def in_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block, or nothing of it; no other process writes meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def translate(error: sqlite3.DatabaseError, path: Path) -> RetryableError | PermanentError:
    """The port's error for one of SQLite."""
    message = f"{path}: {error}"
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE in _PASSING:
        return RetryableError(message)
    return PermanentError(message)
