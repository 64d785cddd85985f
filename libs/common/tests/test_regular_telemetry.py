"""The short way of telemetry comes to what the long way comes to, or leaves the message to it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.transforms import pipeline
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.regular import decode_regular

TOPIC = "microgrid/village-1/device/inverter-1/telemetry"
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)

good_values = st.one_of(
    [
        st.tuples(st.just(metric.name), st.floats(metric.minimum, metric.maximum) | st.sampled_from([0, 1]))
        for metric in METRICS
    ]
)
odd_values: st.SearchStrategy[tuple[str, Any]] = st.tuples(
    st.sampled_from([metric.name for metric in METRICS] + ["consumption_kW", "unheard_of"]),
    st.sampled_from([None, True, "12", "abc", -0.0, 1e9, 10**400, [], {}, float("nan")]) | st.floats(),
)
timestamps = st.sampled_from(
    [
        "2026-11-23T09:59:59.123Z",
        "2026-11-23T15:44:59.123456+05:45",
        "2026-11-23T09:59:59",
        1_795_427_999,
        1_795_427_999_123,
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "yesterday",
        True,
        None,
    ]
)


def samples(values: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"timestamp": timestamps, "metrics": st.lists(values, max_size=6).map(dict)},
        optional={
            "boot_id": st.sampled_from(["5f2c", "", "a b", 5, None]),
            "seq": st.sampled_from([0, 7, -1, 2**53, 1.0, True, "3", None]),
            "units": st.sampled_from([{}, {"consumption_kw": "W"}, None]),
            "surplus": st.just(1),
        },
    )


def messages(values: st.SearchStrategy[tuple[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    single = samples(values).map(lambda sample: {"schema": 1} | sample)
    backlog = st.lists(samples(values), max_size=3).map(lambda them: {"schema": 1, "samples": them})
    other_version = single.map(lambda message: message | {"schema": True})
    return single | backlog | other_version


def process(payload: bytes) -> Outcome:
    return pipeline.process(TOPIC, payload, NOW, {})


def process_the_long_way(payload: bytes) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "decode_regular", lambda _: None)
        return process(payload)


@given(messages(good_values) | messages(good_values | odd_values))
def test_both_ways_come_to_the_same(message: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    assert process(payload) == process_the_long_way(payload)


def test_a_message_in_which_nothing_is_wrong_takes_the_short_way() -> None:
    metrics = {metric.name: metric.maximum for metric in METRICS}
    sample = {"timestamp": "2026-11-23T09:59:59Z", "boot_id": "5f2c", "seq": 7, "metrics": metrics}
    for message in ({"schema": 1, **sample}, {"schema": 1, "samples": [sample, sample]}):
        regular = decode_regular(json.dumps(message).encode())
        assert regular is not None
        assert regular[0]["metrics"] == metrics
        assert all(type(value) is float for value in regular[0]["metrics"].values())
