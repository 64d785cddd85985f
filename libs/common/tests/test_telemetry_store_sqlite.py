from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from microgrid_common.adapters.sqlite.telemetry_store import SqliteTelemetryStore
from microgrid_common.testing.contracts.telemetry_store import CONTRACT_MAXIMUM_POINTS, TelemetryStoreContract


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteTelemetryStore]:
    path = tmp_path / "telemetry.sqlite3"
    async with SqliteTelemetryStore(path, maximum_points=CONTRACT_MAXIMUM_POINTS) as opened:
        yield opened


class TestSqliteTelemetryStore(TelemetryStoreContract):
    pass
