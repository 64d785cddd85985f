import pytest

from microgrid_common.ports.errors import PartialWriteError, RetryableError
from microgrid_common.testing.contracts.telemetry_samples import at, reading
from microgrid_common.testing.contracts.telemetry_store import (
    CONTRACT_MAXIMUM_POINTS,
    TelemetryStoreContract,
    values,
)
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore


@pytest.fixture
def store() -> FakeTelemetryStore:
    return FakeTelemetryStore(maximum_points=CONTRACT_MAXIMUM_POINTS)


class TestFakeTelemetryStore(TelemetryStoreContract):
    pass


async def test_it_fails_as_often_as_it_was_told_to(store: FakeTelemetryStore) -> None:
    store.fail_next(RetryableError("away"), times=2)
    for _ in range(2):
        with pytest.raises(RetryableError):
            await store.write([reading(1)])
    assert await values(store) == {}
    await store.write([reading(1)])
    assert await values(store) == {1: 1}


async def test_it_refuses_a_reading_for_good(store: FakeTelemetryStore) -> None:
    store.refuse(reading(1))
    with pytest.raises(PartialWriteError) as caught:
        await store.write([reading(1), reading(2)])
    assert caught.value.rejected == (reading(1),)
    assert [[stored.timestamp for stored in written] for written in store.writes] == [[at(2)]]
