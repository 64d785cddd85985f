"""Which telemetry store, and which store of roll-ups beside it, the settings ask for."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import IO

from microgrid_common.adapters.sqlite.rollup_store import SqliteRollupStore
from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.retention import LATE_DATA_ACCEPTED
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.settings import TelemetryStoreSettings

SQLITE_FILE_NAME = "telemetry.sqlite3"
SQLITE_ROLLUPS_FILE_NAME = "rollups.sqlite3"


@asynccontextmanager
async def open_telemetry_store(
    settings: TelemetryStoreSettings, *, only_reads: bool = False
) -> AsyncIterator[TelemetryStore]:
    """The telemetry store that `settings` name, while the block runs. It connects at its first use.

    Args:
        settings: which one, and where it is.
        only_reads: whether it is there as soon as it can be read, also by a token that may not write.
    """
    async with _STORES[settings.telemetry_store](settings, only_reads) as store:
        yield store


@asynccontextmanager
async def open_rollup_store(settings: TelemetryStoreSettings) -> AsyncIterator[RollupStore]:
    """The store of roll-ups of the kind that `settings` name, as `open_telemetry_store`."""
    async with _ROLLUP_STORES[settings.telemetry_store](settings) as store:
        yield store


async def set_up_stores(settings: TelemetryStoreSettings) -> dict[str, bool]:
    """Make what the stores need, with its retention; what is there already stays.

    Returns:
        The name of each bucket or file → whether it is new.

    Raises:
        RetryableError: the store is away, or does not let us.
        PermanentError: a file is something else.
    """
    return await _SET_UPS[settings.telemetry_store](settings)


async def make_store_tokens(settings: TelemetryStoreSettings) -> dict[str, str]:
    """Make a token for those who write to the stores, and one for those who only read them.

    Returns:
        `writer` and `reader` → the token.

    Raises:
        RetryableError: the store is away, or does not let us.
        PermanentError: the store has no tokens.
    """
    if settings.telemetry_store != "influx":
        raise PermanentError(f"the store {settings.telemetry_store} has no tokens")
    from microgrid_common.adapters.influx.rollup_store import make_tokens  # noqa: PLC0415
    from microgrid_common.adapters.influx.server import InfluxServer  # noqa: PLC0415

    token = settings.influx_token.get_secret_value()
    async with InfluxServer(url=settings.influx_url, token=token, org=settings.influx_org) as server:
        return await make_tokens(server, settings.influx_bucket)


async def write_store_snapshot(settings: TelemetryStoreSettings, archive: IO[bytes]) -> None:
    """Write a tar archive of all that the stores hold, laid out as InfluxDB's data folder is.

    Raises:
        RetryableError: the store is away, or does not let us.
        PermanentError: the store is files, which are copied as such.
        OSError: the archive cannot be written.
    """
    if settings.telemetry_store != "influx":
        raise PermanentError(f"the store {settings.telemetry_store} is files: copy them")
    from microgrid_common.adapters.influx.snapshot import write_snapshot  # noqa: PLC0415

    await write_snapshot(settings.influx_url, settings.influx_token.get_secret_value(), archive)


def _influx(
    settings: TelemetryStoreSettings,
    only_reads: bool,  # noqa: FBT001 - an entry of the table below
) -> AbstractAsyncContextManager[TelemetryStore]:
    # Imported late: it takes half a second and 16 MB, which an edge box with SQLite can do without.
    from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore  # noqa: PLC0415

    return InfluxTelemetryStore(
        url=settings.influx_url,
        token=settings.influx_token.get_secret_value(),
        org=settings.influx_org,
        bucket=settings.influx_bucket,
        only_reads=only_reads,
    )


def _influx_rollups(settings: TelemetryStoreSettings) -> AbstractAsyncContextManager[RollupStore]:
    from microgrid_common.adapters.influx.rollup_store import InfluxRollupStore  # noqa: PLC0415

    return InfluxRollupStore(
        url=settings.influx_url,
        token=settings.influx_token.get_secret_value(),
        org=settings.influx_org,
        bucket=settings.influx_bucket,
    )


def _sqlite(
    settings: TelemetryStoreSettings,
    only_reads: bool,  # noqa: ARG001, FBT001 - an entry of the table below
) -> AbstractAsyncContextManager[TelemetryStore]:
    return SqliteTelemetryStore(settings.data_dir / SQLITE_FILE_NAME, accept_for=LATE_DATA_ACCEPTED)


def _sqlite_rollups(settings: TelemetryStoreSettings) -> AbstractAsyncContextManager[RollupStore]:
    return SqliteRollupStore(settings.data_dir / SQLITE_ROLLUPS_FILE_NAME)


async def _set_up_influx(settings: TelemetryStoreSettings) -> dict[str, bool]:
    from microgrid_common.adapters.influx.rollup_store import set_up_buckets  # noqa: PLC0415
    from microgrid_common.adapters.influx.server import InfluxServer  # noqa: PLC0415

    token = settings.influx_token.get_secret_value()
    async with InfluxServer(url=settings.influx_url, token=token, org=settings.influx_org) as server:
        return await set_up_buckets(server, settings.influx_bucket)


async def _set_up_sqlite(settings: TelemetryStoreSettings) -> dict[str, bool]:
    files = [settings.data_dir / name for name in (SQLITE_FILE_NAME, SQLITE_ROLLUPS_FILE_NAME)]
    is_new = {str(file): not file.exists() for file in files}
    async with open_telemetry_store(settings) as store, open_rollup_store(settings) as rollups:
        await store.ping()
        await rollups.ping()
    return is_new


_STORES = {"influx": _influx, "sqlite": _sqlite}
_ROLLUP_STORES = {"influx": _influx_rollups, "sqlite": _sqlite_rollups}
_SET_UPS = {"influx": _set_up_influx, "sqlite": _set_up_sqlite}
