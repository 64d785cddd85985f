"""The newest values, whatever order readings arrive in."""

from datetime import datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from microgrid_api.live.state import LiveState
from microgrid_common.ports.telemetry_store import Point
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

GRID = "default"
LONG_AGO = SAMPLE_TIME - timedelta(days=365)

Shown = dict[str, tuple[float, datetime, str]]


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def shown(state: LiveState, *, after_revision: int = 0) -> Shown:
    values = state.values(GRID, since=LONG_AGO, after_revision=after_revision)
    return {metric: (value.value, value.time, value.device_id) for metric, value in values.items()}


def consumption(state: LiveState) -> float:
    return shown(state)["consumption_kw"][0]


@st.composite
def deliveries(draw: st.DrawFn) -> list[Reading]:
    """Readings as they arrive: several devices, equal times, some delivered more than once."""
    measured = draw(
        st.dictionaries(
            st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 5)),
            st.dictionaries(
                st.sampled_from(["consumption_kw", "generation_kw", "battery_soc"]),
                st.integers(0, 100).map(float),
                min_size=1,
            ),
            min_size=1,
            max_size=12,
        )
    )
    arrivals = [
        replace(
            sample_reading(SAMPLE_TIME + seconds(second), device_id=device_id),
            received_at=SAMPLE_TIME + seconds(second + delay),
            metrics=metrics,
        )
        for (device_id, second), metrics in measured.items()
        for delay in draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    ]
    return draw(st.permutations(arrivals))


@given(deliveries(), st.randoms(use_true_random=False))
def test_any_order_and_duplication_of_readings_shows_the_same(
    arrivals: list[Reading], random: Random
) -> None:
    state, other = LiveState(), LiveState()
    for reading in arrivals:
        state.apply(reading)
    for reading in random.sample([*arrivals, *arrivals], 2 * len(arrivals)):
        other.apply(reading)
    assert shown(other) == shown(state)


@given(deliveries())
def test_what_is_shown_is_never_older_than_anything_that_arrived(arrivals: list[Reading]) -> None:
    state = LiveState()
    for reading in arrivals:
        state.apply(reading)
    for metric, (value, time, device_id) in shown(state).items():
        candidates = [reading for reading in arrivals if metric in reading.metrics]
        assert time == max(reading.timestamp for reading in candidates)
        assert any(
            (reading.metrics[metric], reading.timestamp, reading.device_id) == (value, time, device_id)
            for reading in candidates
        )


@given(deliveries(), st.data())
def test_a_client_that_takes_only_changes_ends_with_the_whole_state(
    arrivals: list[Reading], data: st.DataObject
) -> None:
    state, seen, revision = LiveState(), Shown(), 0
    for reading in arrivals:
        state.apply(reading)
        if data.draw(st.booleans(), label="the client looks now"):
            seen |= shown(state, after_revision=revision)
            revision = state.revision
    seen |= shown(state, after_revision=revision)
    assert seen == shown(state)


def test_of_two_readings_of_the_same_time_the_later_arrival_is_shown() -> None:
    state = LiveState()
    state.apply(sample_reading(received_at=SAMPLE_TIME + seconds(2), device_id="a", consumption_kw=2))
    state.apply(sample_reading(received_at=SAMPLE_TIME + seconds(1), device_id="b", consumption_kw=1))
    assert consumption(state) == 2


def test_the_last_of_two_values_that_came_together_for_the_same_time_is_shown() -> None:
    state = LiveState()
    state.apply(sample_reading(consumption_kw=1))
    state.apply(sample_reading(consumption_kw=2))
    assert consumption(state) == 2


def test_late_data_changes_only_what_nothing_newer_is_known_of() -> None:
    state = LiveState()
    state.apply(sample_reading(SAMPLE_TIME, consumption_kw=5))
    state.apply(sample_reading(SAMPLE_TIME - seconds(60), consumption_kw=1, humidity_percent=40))
    assert {metric: value for metric, (value, _, _) in shown(state).items()} == {
        "consumption_kw": 5,
        "humidity_percent": 40,
    }


def test_a_prototype_reading_counts_by_its_arrival_whatever_time_it_carries() -> None:
    state = LiveState()
    state.apply(sample_reading(SAMPLE_TIME, flags=(Flag.PROTOTYPE,), consumption_kw=5))
    written_by_hand = sample_reading(
        SAMPLE_TIME - timedelta(days=100),
        received_at=SAMPLE_TIME + seconds(1),
        flags=(Flag.PROTOTYPE,),
        consumption_kw=14.2,
    )
    state.apply(written_by_hand)
    assert consumption(state) == 14.2


def test_a_redelivery_is_no_change() -> None:
    state = LiveState()
    state.apply(sample_reading(received_at=SAMPLE_TIME + seconds(1)))
    revision = state.revision
    state.apply(sample_reading(received_at=SAMPLE_TIME + seconds(9)))
    assert state.revision == revision
    assert shown(state, after_revision=revision) == {}


def test_what_was_stored_does_not_replace_a_reading_of_the_same_time() -> None:
    state = LiveState()
    state.apply(sample_reading(SAMPLE_TIME, consumption_kw=5))
    state.seed(GRID, {"consumption_kw": Point("prototype", SAMPLE_TIME, 1)}, known_at=SAMPLE_TIME)
    assert consumption(state) == 5


def test_a_stored_point_from_the_future_is_replaced_by_what_arrives_now() -> None:
    state = LiveState()
    future = SAMPLE_TIME + timedelta(days=1000)
    state.seed(GRID, {"consumption_kw": Point("prototype", future, 1)}, known_at=SAMPLE_TIME)
    assert shown(state)["consumption_kw"] == (1, future, "prototype")
    state.apply(sample_reading(SAMPLE_TIME, consumption_kw=5))
    assert consumption(state) == 5


def test_a_value_that_is_too_old_is_left_out() -> None:
    state = LiveState()
    state.apply(sample_reading(SAMPLE_TIME))
    assert state.values(GRID, since=SAMPLE_TIME)
    assert state.values(GRID, since=SAMPLE_TIME + seconds(1)) == {}


def test_grids_are_apart() -> None:
    state = LiveState()
    state.apply(sample_reading(grid_id="village-2"))
    assert shown(state) == {}


def test_of_too_many_grids_the_one_that_was_quiet_for_longest_is_forgotten() -> None:
    state = LiveState(grids_kept=2)
    for grid_id in ("one", "two", "one", "three"):
        state.apply(sample_reading(grid_id=grid_id))
    kept = [grid_id for grid_id in ("one", "two", "three") if state.values(grid_id, since=LONG_AGO)]
    assert kept == ["one", "three"]
