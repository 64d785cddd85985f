from collections.abc import AsyncIterator

import pytest

from microgrid_common.adapters.influx.telemetry_store import InfluxTelemetryStore
from microgrid_common.testing.contracts.telemetry_store import CONTRACT_MAXIMUM_POINTS, TelemetryStoreContract
from microgrid_common.testing.servers import InfluxBucket

pytestmark = pytest.mark.integration


@pytest.fixture
async def store(influx_bucket: InfluxBucket) -> AsyncIterator[InfluxTelemetryStore]:
    async with InfluxTelemetryStore(
        url=influx_bucket.url,
        token=influx_bucket.token,
        org=influx_bucket.org,
        bucket=influx_bucket.bucket,
        maximum_points=CONTRACT_MAXIMUM_POINTS,
    ) as opened:
        yield opened


class TestInfluxTelemetryStore(TelemetryStoreContract):
    pass
