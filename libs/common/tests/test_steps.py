"""Which steps from one value to the next are believed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.catalogue import METRICS, Metric
from microgrid_common.transforms.steps import is_implausible_step

MINUTE = timedelta(minutes=1)
metrics = st.sampled_from(METRICS)
spans = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400))


@pytest.mark.parametrize(
    ("before", "after", "elapsed", "implausible"),
    [
        (50, 70, MINUTE, False),
        (50, 70.1, MINUTE, True),
        (70.1, 50, MINUTE, True),
        (50, 70, timedelta(seconds=1), False),
        (50, 71, timedelta(), True),
        (50, 90, 2 * MINUTE, False),
        (50, 90.1, 2 * MINUTE, True),
        (0, 100, timedelta(hours=1), False),
    ],
)
def test_a_battery_is_believed_20_percent_in_a_minute(
    before: float, after: float, elapsed: timedelta, *, implausible: bool
) -> None:
    assert is_implausible_step("battery_soc", before, after, elapsed) is implausible


def test_of_a_metric_that_is_not_in_the_catalogue_every_step_is_believed() -> None:
    assert not is_implausible_step("nonsense", 0, 1e300, timedelta())


@pytest.mark.parametrize("metric", [metric for metric in METRICS if not metric.unit], ids=lambda m: m.name)
def test_a_state_may_change_at_any_time(metric: Metric) -> None:
    assert not is_implausible_step(metric.name, 0, 1, timedelta())


@given(metric=metrics, share=st.floats(0, 1), elapsed=spans, up=st.booleans())
def test_what_is_believed_in_a_minute_is_believed_in_any_time(
    metric: Metric, share: float, elapsed: timedelta, *, up: bool
) -> None:
    low, high = metric.minimum, metric.minimum + share * metric.plausible_step
    before, after = (low, high) if up else (high, low)
    if abs(after - before) <= metric.plausible_step:
        assert not is_implausible_step(metric.name, before, after, elapsed)


@given(metric=metrics, data=st.data(), shorter=spans, longer=spans)
def test_more_time_never_makes_a_step_less_believable(
    metric: Metric, data: st.DataObject, shorter: timedelta, longer: timedelta
) -> None:
    shorter, longer = sorted([shorter, longer])
    values = st.floats(metric.minimum, metric.maximum)
    before, after = data.draw(values), data.draw(values)
    if is_implausible_step(metric.name, before, after, longer):
        assert is_implausible_step(metric.name, before, after, shorter)
