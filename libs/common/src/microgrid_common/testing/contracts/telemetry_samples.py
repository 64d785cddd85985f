"""Readings to test telemetry stores with, and the ways in which they may be delivered."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import strategies as st

from microgrid_common.schemas.reading import Reading

T0 = datetime(2026, 11, 23, 10, tzinfo=UTC)

METRICS = ("consumption_kw", "battery_soc", "irradiance_w_m2")
_DEVICES = ("meter", "meter-2", "METER_2")


def at(seconds: float) -> datetime:
    """A time within the test, to the millisecond."""
    return T0 + timedelta(milliseconds=round(seconds * 1000))


def reading(
    seconds: float,
    metrics: Mapping[str, float] | None = None,
    *,
    grid_id: str = "village",
    device_id: str = "meter",
) -> Reading:
    """A reading; of `consumption_kw` = `seconds` when no metrics are given."""
    return Reading(
        grid_id=grid_id,
        device_id=device_id,
        timestamp=at(seconds),
        received_at=at(seconds),
        metrics=dict(metrics or {"consumption_kw": float(seconds)}),
    )


Delivery = list[list[Reading]]
"""The batches of a delivery."""


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Reading], Delivery]:
    """Readings of a grid, and a delivery of them: shuffled, repeated, in parts, cut into batches anyhow."""
    measured = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(_DEVICES), st.integers(0, 5)),
            st.dictionaries(
                st.sampled_from(METRICS), st.floats(allow_nan=False, allow_infinity=False), min_size=1
            ),
            max_size=8,
        )
    )
    # Not drawn: the store keeps what an earlier example wrote, and shrinking must not go back to it.
    grid_id = uuid4().hex
    readings = [
        reading(milliseconds / 1000, metrics, grid_id=grid_id, device_id=device_id)
        for (device_id, milliseconds), metrics in measured.items()
    ]
    again = draw(st.lists(st.sampled_from(readings), max_size=10)) if readings else []
    parts = [
        reading((whole.timestamp - T0).total_seconds(), part, grid_id=grid_id, device_id=whole.device_id)
        for whole in again
        if (part := {name: value for name, value in whole.metrics.items() if draw(st.booleans())})
    ]
    sent = draw(st.permutations([*readings, *parts]))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=4)))
    batches = [sent[first:end] for first, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    return readings, batches
