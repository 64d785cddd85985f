"""Readings rebuilt from what a store keeps of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.runtime.stored_readings import stored_readings
from microgrid_common.schemas.alarm_rule import (
    BandCondition,
    Comparison,
    MetricComparisonCondition,
    StatusChangeCondition,
    ThresholdCondition,
)
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.alarms.peak import excess_of

INVERTER = Device(grid_id="village-1", device_id="inverter-1", device_type="inverter", component="roof")
METRICS = ["battery_soc", "consumption_kw", "generation_kw"]


def reading(minute: float, metrics: dict[str, float], device_id: str = "inverter-1") -> Reading:
    at = SAMPLE_TIME + timedelta(minutes=minute)
    return Reading(
        grid_id="village-1",
        device_id=device_id,
        timestamp=at,
        received_at=at,
        metrics=metrics,
        device_type="inverter",
        component="roof",
    )


async def read_back(
    store: FakeTelemetryStore, *, minutes: int, metrics: list[str] = METRICS
) -> list[list[Reading]]:
    end = SAMPLE_TIME + timedelta(minutes=minutes)
    return [piece async for piece in stored_readings(store, INVERTER, metrics, start=SAMPLE_TIME, end=end)]


@given(
    st.dictionaries(
        st.integers(0, 3 * 24 * 60 - 1),
        st.dictionaries(st.sampled_from(METRICS), st.floats(0, 100), min_size=1),
        max_size=20,
    )
)
async def test_what_was_written_comes_back_as_readings_in_order(
    written: dict[int, dict[str, float]],
) -> None:
    store = FakeTelemetryStore()
    await store.write([reading(minute, metrics) for minute, metrics in written.items()])
    await store.write([reading(0, {"battery_soc": 1}, device_id="other")])
    pieces = await read_back(store, minutes=3 * 24 * 60)
    assert [each for piece in pieces for each in piece] == [
        reading(minute, written[minute]) for minute in sorted(written)
    ]
    assert len(pieces) == 3


async def test_only_what_is_asked_for_is_read() -> None:
    store = FakeTelemetryStore()
    await store.write(
        [
            reading(0, {"battery_soc": 1, "consumption_kw": 2}),
            reading(1, {"consumption_kw": 2}),
            reading(2, {"battery_soc": 1}),
        ]
    )
    assert await read_back(store, minutes=2, metrics=["battery_soc"]) == [[reading(0, {"battery_soc": 1})]]


async def test_pieces_get_shorter_where_there_is_much() -> None:
    store = FakeTelemetryStore(maximum_points=100)
    written = [reading(minute, {"battery_soc": 1}) for minute in range(200)]
    await store.write(written)
    pieces = await read_back(store, minutes=200)
    assert [each for piece in pieces for each in piece] == written
    assert max(map(len, pieces)) <= 100


async def test_more_than_can_be_read_in_a_second_is_an_error() -> None:
    store = FakeTelemetryStore(maximum_points=1)
    await store.write([reading(0, {"battery_soc": 1}), reading(0.001, {"battery_soc": 1})])
    with pytest.raises(TooManyPointsError):
        await read_back(store, minutes=1)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (ThresholdCondition(metric="battery_soc", comparison=Comparison.BELOW, threshold=20), 5),
        (ThresholdCondition(metric="battery_soc", comparison=Comparison.ABOVE, threshold=20), -5),
        (BandCondition(metric="battery_soc", low=20, high=80), 5),
        (BandCondition(metric="battery_soc", low=1, high=12), 3),
        (
            MetricComparisonCondition(
                metric="consumption_kw",
                comparison=Comparison.AT_LEAST,
                other_metric="generation_kw",
                factor=2,
                offset=1,
            ),
            3,
        ),
    ],
)
def test_a_reading_is_so_far_beyond_a_limit(
    condition: ThresholdCondition | BandCondition | MetricComparisonCondition, expected: float
) -> None:
    excess = excess_of(condition)
    assert excess is not None
    assert excess({"battery_soc": 15, "consumption_kw": 10, "generation_kw": 3}) == expected


def test_a_status_has_no_limit_to_be_beyond() -> None:
    assert excess_of(StatusChangeCondition(metric="grid_tie_connected", to=0)) is None
