import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.adapters.influx.line_protocol import UnencodableError, encode
from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.testing.contracts.telemetry_samples import at, reading


def test_one_line_a_reading() -> None:
    assert encode(
        [reading(0.5, {"consumption_kw": 10.5, "battery_soc": 75.0}), reading(1, device_id="solar")]
    ) == (
        b"telemetry,device_id=meter,grid_id=village consumption_kw=10.5,battery_soc=75.0 1795428000500\n"
        b"telemetry,device_id=solar,grid_id=village consumption_kw=1.0 1795428001000"
    )


def test_only_the_identity_is_in_the_tags() -> None:
    plain = reading(1)
    enriched = Reading(
        grid_id=plain.grid_id,
        device_id=plain.device_id,
        timestamp=plain.timestamp,
        received_at=at(60),
        metrics=plain.metrics,
        flags=(Flag.CLOCK_REPLACED,),
        boot_id="5f2c",
        seq=7,
        device_type="inverter",
        component="roof",
    )
    assert encode([enriched]) == encode([plain])


def test_every_metric_of_the_catalogue_can_be_written() -> None:
    metrics = {metric.name: metric.maximum for metric in METRICS}
    (line,) = encode([reading(0, metrics)]).split(b"\n")
    fields = line.split(b" ")[1].split(b",")
    assert {field.split(b"=")[0].decode(): float(field.split(b"=")[1]) for field in fields} == metrics


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_written_to_its_last_digit(value: float) -> None:
    line = encode([reading(0, {"battery_soc": value})]).decode()
    written = line.split(" ")[1].removeprefix("battery_soc=")
    assert math.copysign(1, float(written)) == math.copysign(1, value)
    assert float(written) == value


@given(st.integers(0, 2**42))
def test_a_time_is_written_to_the_millisecond(milliseconds: int) -> None:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    line = encode([Reading("village", "meter", time, time, {"battery_soc": 1.0})])
    assert int(line.split(b" ")[2]) == milliseconds


# What line protocol would need escaped in a tag or a field name, and what no escaping can help.
_UNSAFE = ["a b", "a,b", "a=b", "a\\", 'a"b', "a\nb", "a\r", "ü", "", "a" * 65, "a:b", "a},{b"]


@pytest.mark.parametrize("unsafe", _UNSAFE)
def test_a_name_that_would_need_escaping_is_refused(unsafe: str) -> None:
    for refused in (
        reading(0, grid_id=unsafe),
        reading(0, device_id=unsafe),
        reading(0, {unsafe: 1.0}),
        reading(0, {"battery_soc": 1.0, unsafe: 1.0}),
    ):
        with pytest.raises(UnencodableError):
            encode([reading(1), refused, reading(2)])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(UnencodableError, match="finite"):
        encode([reading(1), reading(0, {"consumption_kw": 1.0, "battery_soc": value})])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_reading_without_values_is_refused(place: int) -> None:
    readings = [reading(0), reading(1), reading(2)]
    readings[place] = Reading("village", "meter", at(9), at(9), {})
    with pytest.raises(UnencodableError, match="no value"):
        encode(readings)
