"""A value that no plant takes a step to is shown, and marked."""

from datetime import timedelta

import pytest

from microgrid_api.live.state import LiveState
from microgrid_api.live.step_watch import StepWatch
from microgrid_api.views import LiveValueView
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

SECOND = timedelta(seconds=1)


def soc(percent: float, *, second: float = 0, device_id: str = "battery") -> Reading:
    return sample_reading(SAMPLE_TIME + second * SECOND, device_id=device_id, battery_soc=percent)


@pytest.fixture
def watch() -> StepWatch:
    return StepWatch()


@pytest.fixture
def state() -> LiveState:
    return LiveState()


def marked(watch: StepWatch, *readings: Reading) -> list[bool]:
    return ["battery_soc" in watch.take(reading) for reading in readings]


def test_the_first_value_is_believed_and_a_leap_is_not(watch: StepWatch) -> None:
    assert marked(watch, soc(90), soc(30, second=5), soc(31, second=10)) == [False, True, False]


def test_each_device_is_compared_with_itself(watch: StepWatch) -> None:
    values = [soc(90), soc(10, device_id="other"), soc(91, second=5), soc(11, second=5, device_id="other")]
    assert marked(watch, *values) == [False] * 4


def test_a_metric_that_was_left_out_is_compared_with_its_last_value(watch: StepWatch) -> None:
    watch.take(soc(90))
    watch.take(sample_reading(SAMPLE_TIME + SECOND, device_id="battery", consumption_kw=1))
    assert marked(watch, soc(20, second=2)) == [True]


def test_late_and_repeated_readings_change_nothing(watch: StepWatch) -> None:
    newest = soc(50, second=60)
    watch.take(newest)
    assert marked(watch, soc(90), newest, soc(51, second=65)) == [False, False, False]


def test_a_prototype_payload_goes_by_its_arrival(watch: StepWatch) -> None:
    by_hand = [
        sample_reading(
            SAMPLE_TIME - day * timedelta(days=1),
            received_at=SAMPLE_TIME + day * SECOND,
            flags=(Flag.PROTOTYPE,),
            battery_soc=value,
        )
        for day, value in enumerate([90, 30])
    ]
    assert marked(watch, *by_hand) == [False, True]


def test_of_too_many_devices_the_quietest_is_forgotten() -> None:
    watch = StepWatch(devices_kept=2)
    watch.take(soc(90, device_id="a"))
    watch.take(soc(90, device_id="b"))
    watch.take(soc(90, second=1, device_id="a"))
    watch.take(soc(90, device_id="c"))
    assert marked(watch, soc(10, second=2, device_id="a"), soc(10, second=2, device_id="b")) == [True, False]


def test_the_live_value_is_shown_and_marked_until_the_next_one(state: LiveState) -> None:
    def shown() -> str:
        return LiveValueView.of_all(state.values("default", since=SAMPLE_TIME))[
            "battery_soc"
        ].model_dump_json()

    state.apply(soc(90))
    assert "implausible" not in shown()
    leap = soc(30, second=5)
    for _ in range(2):  # also when it is delivered again
        state.apply(leap)
        assert '"value":30.0' in shown()
        assert '"implausible_step":true' in shown()
    state.apply(soc(31, second=10))
    assert "implausible" not in shown()
