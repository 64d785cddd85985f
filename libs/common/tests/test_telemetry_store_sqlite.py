import asyncio
import resource
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.errors import PartialWriteError, PermanentError, RetryableError
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.contracts.telemetry_store import (
    CONTRACT_MAXIMUM_POINTS,
    TelemetryStoreContract,
    values,
)

IMPATIENT = timedelta(milliseconds=50)

_NO_DATABASE = b"something else " * 1_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "telemetry.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteTelemetryStore]:
    async with SqliteTelemetryStore(path, maximum_points=CONTRACT_MAXIMUM_POINTS) as opened:
        yield opened


@contextmanager
def locked(path: Path, how: str) -> Iterator[None]:
    """Hold the file as another process would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        yield
        other.execute("ROLLBACK")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def content(path: Path) -> bytes:
    return path.read_bytes()


class TestSqliteTelemetryStore(TelemetryStoreContract):
    pass


class TestRetention:
    async def test_what_is_past_its_retention_is_forgotten(self, store: SqliteTelemetryStore) -> None:
        await store.write([reading(second) for second in range(4)])
        await store.write([reading(1, device_id="new"), reading(9, device_id="new")])
        assert await store.forget(at(0) + RAW_KEPT) == 0
        assert await store.forget(at(2) + RAW_KEPT) == 3
        assert list(await values(store, device_id="meter")) == [2, 3]
        assert list(await values(store, device_id="new")) == [9]

    async def test_nothing_that_is_refused_goes_unnamed(self, path: Path) -> None:
        async with SqliteTelemetryStore(path, accept_for=timedelta(hours=1)) as store:
            now = datetime.now(UTC)
            late = replace(reading(1), timestamp=now - timedelta(hours=2))
            broken = replace(reading(1, {"battery_soc": float("nan")}), timestamp=now)
            with pytest.raises(PartialWriteError) as caught:
                await store.write([broken, late, replace(reading(1), timestamp=now)])
            assert set(map(id, caught.value.rejected)) == {id(late), id(broken)}


class TestFile:
    async def test_nothing_is_made_before_the_first_use(self, path: Path) -> None:
        async with SqliteTelemetryStore(path):
            assert not path.parent.exists()

    async def test_the_folder_is_for_its_owner_alone(self, path: Path, store: SqliteTelemetryStore) -> None:
        await store.ping()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    async def test_what_was_written_is_there_after_a_restart(self, path: Path) -> None:
        for second in range(3):
            async with SqliteTelemetryStore(path) as store:
                await store.write([reading(second)])
                assert list(await values(store)) == list(range(second + 1))

    async def test_one_row_for_each_value(self, path: Path, store: SqliteTelemetryStore) -> None:
        for _ in range(2):
            await store.write([reading(1, {"consumption_kw": 1, "battery_soc": 2}), reading(2)])
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT count(*) FROM samples").fetchone() == (3,)
            assert connection.execute("SELECT count(*) FROM series").fetchone() == (2,)

    async def test_many_may_make_it_at_the_same_time(self, path: Path) -> None:
        async with AsyncExitStack() as stack:
            stores = [await stack.enter_async_context(SqliteTelemetryStore(path)) for _ in range(10)]
            await asyncio.gather(
                *(one.write([reading(second)]) for second, one in enumerate(stores)),
                *(one.ping() for one in stores),
            )
            assert list(await values(stores[0])) == list(range(10))

    async def test_one_that_another_is_making_is_waited_for(self, path: Path) -> None:
        path.parent.mkdir()
        async with SqliteTelemetryStore(path) as store:
            with locked(path, "IMMEDIATE"):
                opening = asyncio.create_task(store.write([reading(1)]))
                done, _ = await asyncio.wait({opening}, timeout=0.1)
                assert not done
            await opening
            assert list(await values(store)) == [1]

    async def test_a_file_of_a_newer_version_is_left_alone(self, path: Path) -> None:
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 2")
        async with SqliteTelemetryStore(path) as store:
            for call in (store.write([reading(1)]), store.ping()):
                with pytest.raises(PermanentError, match="version 2; this program knows up to 1"):
                    await call

    async def test_a_file_that_is_no_database_is_left_alone(self, path: Path) -> None:
        put(path, _NO_DATABASE)
        async with SqliteTelemetryStore(path) as store:
            for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
                with pytest.raises(PermanentError, match="file is not a database"):
                    await call
        assert content(path) == _NO_DATABASE

    async def test_a_broken_file_is_said_to_be_broken(self, path: Path) -> None:
        async with SqliteTelemetryStore(path) as store:
            await store.write([reading(second) for second in range(5_000)])
        whole = content(path)
        put(path, whole[:4096] + b"\xff" * (len(whole) - 4096))
        async with SqliteTelemetryStore(path) as store:
            for call in (store.write([reading(1)]), store.latest("village", since=at(0))):
                with pytest.raises(PermanentError, match="malformed"):
                    await call


class TestTrouble:
    async def test_a_lock_of_another_process_is_waited_for(
        self, path: Path, store: SqliteTelemetryStore
    ) -> None:
        await store.write([reading(1)])
        with locked(path, "IMMEDIATE"):
            write = asyncio.create_task(store.write([reading(2)]))
            # Reads go on meanwhile, also those that were asked for after the write.
            assert list(await values(store)) == [1]
            assert not write.done()
        await write
        assert list(await values(store)) == [1, 2]

    async def test_a_lock_that_lasts_can_be_tried_again(self, path: Path) -> None:
        async with SqliteTelemetryStore(path, busy_timeout=IMPATIENT) as store:
            await store.write([reading(1)])
            with locked(path, "IMMEDIATE"), pytest.raises(RetryableError, match="locked"):
                await store.write([reading(2), reading(2, device_id="new")])
            await store.write([reading(2), reading(2, device_id="new")])
            assert len(await store.history("village", "consumption_kw", start=at(0), end=at(9))) == 3

    async def test_a_read_that_is_under_way_holds_up_no_write(
        self, path: Path, store: SqliteTelemetryStore
    ) -> None:
        await store.write([reading(1), reading(2)])
        with closing(sqlite3.connect(path)) as other:
            rows = other.execute("SELECT value FROM samples")
            assert rows.fetchone() == (1,)
            await store.write([reading(3)])
            assert rows.fetchall() == [(2,)]

    async def test_a_full_disk_can_be_tried_again(self, store: SqliteTelemetryStore) -> None:
        await store.write([reading(0)])
        readings = [reading(second, device_id="new") for second in range(20_000)]
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            for _ in range(2):
                with pytest.raises(RetryableError, match="disk"):
                    await store.write(readings)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(await values(store)) == [0]
        await store.write(readings)
        points = await store.history("village", "consumption_kw", start=at(0), end=at(1_000))
        assert len(points) == 1_001

    async def test_a_folder_that_cannot_be_used_now_can_be_later(self, path: Path) -> None:
        path.parent.write_text("not a folder")
        async with SqliteTelemetryStore(path) as store:
            for call in (store.write([reading(1)]), store.latest("village", since=at(0)), store.ping()):
                with pytest.raises(RetryableError, match=str(path)):
                    await call
            path.parent.unlink()
            await store.write([reading(1)])
            assert await values(store) == {1: 1}

    async def test_a_refused_write_leaves_no_series_behind(self, store: SqliteTelemetryStore) -> None:
        for second in range(2):
            with pytest.raises(PartialWriteError):
                await store.write(
                    [reading(second, device_id="new"), reading(second, {"battery_soc": float("nan")})]
                )
        assert list(await values(store, device_id="new")) == [0, 1]

    async def test_a_cancelled_write_leaves_the_store_usable(
        self, path: Path, store: SqliteTelemetryStore
    ) -> None:
        await store.ping()
        with locked(path, "IMMEDIATE"):
            write = asyncio.create_task(store.write([reading(1)]))
            await store.ping()
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
        await store.write([reading(2)])
        assert 2 in await values(store)


_WRITER = """
import asyncio, sys
from pathlib import Path
from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.testing.contracts.telemetry_samples import reading

async def main():
    async with SqliteTelemetryStore(Path(sys.argv[1])) as store:
        for second in range(100_000):
            await store.write([reading(second, device_id=f"meter-{number}") for number in range(50)])
            print(second, flush=True)

asyncio.run(main())
"""


@asynccontextmanager
async def _writing(path: Path) -> AsyncIterator[AsyncIterator[int]]:
    """A process that writes, and the seconds whose write has returned there; killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    output = process.stdout

    async def acknowledged() -> AsyncIterator[int]:
        async for line in output:
            yield int(line)

    try:
        yield acknowledged()
    finally:
        process.kill()
        await process.wait()


@pytest.mark.integration
class TestTwoProcesses:
    async def test_one_writes_and_another_reads(self, path: Path, store: SqliteTelemetryStore) -> None:
        async with _writing(path) as acknowledged:
            seen: dict[float, float] = {}
            for _ in range(20):
                newest = await anext(acknowledged)
                seen = await values(store, device_id="meter-49")
                assert newest in seen
            # The other one goes on writing, and this one may write too.
            await store.write([reading(1, device_id="mine")])
        assert len(seen) >= 20

    async def test_what_a_killed_process_wrote_is_there(self, path: Path) -> None:
        for _ in range(3):
            async with _writing(path) as acknowledged:
                newest = -1
                while newest < 30:
                    newest = await anext(acknowledged)
            async with SqliteTelemetryStore(path) as store:
                for number in (0, 49):
                    seconds = set(await values(store, device_id=f"meter-{number}"))
                    assert seconds >= set(range(newest + 1))
                # All of a write or nothing of it.
                points = await store.history("village", "consumption_kw", start=at(0), end=at(1_000))
                assert len(points) % 50 == 0
