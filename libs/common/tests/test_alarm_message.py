"""The message of an alarm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.transforms.alarms.message import (
    LONGEST_MESSAGE,
    MISSING_VALUE,
    MessageError,
    check_message,
    render,
)


def _rendered(template: str, *, component: str | None = "rack-2", **metrics: float) -> str:
    return render(template, grid_id="village-1", device_id="battery-1", component=component, metrics=metrics)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Load Abnormality: 100 % of it.", "Load Abnormality: 100 % of it."),
        ("{grid_id}/{device_id}/{component}", "village-1/battery-1/rack-2"),
        ("{battery_soc:.1f} %", "19.6 %"),
        ("{battery_soc}", "19.57"),
        ("{battery_soc:08.2f}|{battery_soc:+.0e}", "00019.57|+2e+01"),
        ("{{{battery_soc:.0f}}} {{battery_soc}}", "{20} {battery_soc}"),
        ("{ambient_temperature_c:.1f} °C", f"{MISSING_VALUE} °C"),
    ],
)
def test_names_are_filled_in(template: str, message: str) -> None:
    check_message(template, has_reading=True)
    assert _rendered(template, battery_soc=19.57) == message


def test_what_a_device_does_not_have_is_a_dash() -> None:
    assert _rendered("{component}", component=None) == MISSING_VALUE


def test_a_number_without_a_format_has_no_digits_that_nobody_measured() -> None:
    assert _rendered("{battery_soc}", battery_soc=0.1 + 0.2) == "0.3"
    assert _rendered("{energy_generated_kwh}", energy_generated_kwh=1_234_567.0) == "1234567"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{battery_charge}", "no metric, nor device_id"),
        ("{severity}", "no metric, nor device_id"),
        ("{}", "only a name"),
        ("{0}", "only a name"),
        ("{battery_soc.real}", "only a name"),
        ("{battery_soc.__class__}", "only a name"),
        ("{grid_id[0]}", "only a name"),
        ("{battery_soc!r}", "only a name"),
        ("{ battery_soc }", "only a name"),
        ("{battery_soc:d}", "no way to show it"),
        ("{battery_soc:>9}", "no way to show it"),
        ("{battery_soc:{device_id}}", "no way to show it"),
        ("{battery_soc:.%}", "no way to show it"),
        ("{device_id:.1f}", "no way to show it"),
        ("{battery_soc:21.1f}", "too wide"),
        ("{battery_soc:.11f}", "too wide"),
        ("{battery_soc:999999999.1f}", "no way to show it"),
        ("{battery_soc", "cannot be read"),
        ("battery_soc}", "cannot be read"),
        ("one\ntwo", "control characters"),
        ("\x1b[31mred", "control characters"),
    ],
)
def test_what_no_message_may_have_is_refused_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(MessageError, match=reason):
        check_message(template, has_reading=True)


def test_where_no_reading_raises_the_alarm_no_metric_may_be_named() -> None:
    check_message("{device_id} of {grid_id} is silent.", has_reading=False)
    with pytest.raises(MessageError, match="no value where no reading"):
        check_message("{device_id} is silent at {battery_soc}.", has_reading=False)


_PIECES = st.sampled_from(
    ["{", "}", "{{", "{battery_soc", ":", ".2f", "!r", ".x", "[0]", "{device_id}", "text"]
)


@given(
    st.one_of(st.text(max_size=600), st.lists(_PIECES, max_size=200).map("".join)),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_whatever_the_template_is_a_message_of_bounded_length_comes_out(template: str, value: float) -> None:
    assert len(_rendered(template, battery_soc=value)) <= LONGEST_MESSAGE


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=150))
def test_a_text_with_doubled_braces_comes_out_as_it_was_meant(text: str) -> None:
    assert _rendered(text.replace("{", "{{").replace("}", "}}")) == text
