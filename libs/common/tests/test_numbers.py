"""Which numbers a refused payload carried."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES
from microgrid_common.transforms.numbers import legible_numbers, number_ranges

boots = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)
numbers = st.lists(st.tuples(boots, st.integers(0, 2**53 - 1)), max_size=20)


def legible(payload: object) -> list[tuple[str, int, int]]:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return [(each.boot_id, each.first, each.last) for each in legible_numbers(data)]


def sample(boot_id: object, seq: object) -> dict[str, Any]:
    return {"timestamp": "nonsense", "boot_id": boot_id, "seq": seq, "metrics": {"ac_voltage_v": "?"}}


def expanded(ranges: tuple[NumberRange, ...]) -> list[tuple[str, int]]:
    return [(each.boot_id, seq) for each in ranges for seq in range(each.first, each.last + 1)]


@given(numbers)
def test_ranges_hold_exactly_the_numbers_in_their_order(given_numbers: list[tuple[str, int]]) -> None:
    assert expanded(number_ranges(given_numbers)) == given_numbers


def test_consecutive_numbers_of_a_boot_are_one_range() -> None:
    assert number_ranges([("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 3)]) == (
        NumberRange(boot_id="a", first=1, last=3),
        NumberRange(boot_id="b", first=4, last=4),
        NumberRange(boot_id="b", first=3, last=3),
    )


@given(numbers)
def test_the_numbers_of_a_backlog_are_read_whether_it_is_json_or_not(sent: list[tuple[str, int]]) -> None:
    samples = [sample(boot_id, seq) for boot_id, seq in sent]
    payload = json.dumps({"schema": 1, "samples": samples}).encode()
    assert expanded(legible_numbers(payload)) == sent
    assert expanded(legible_numbers(b"\xff" + payload[:-3])) == sent


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (sample("5f2c", 17), [("5f2c", 17, 17)]),
        (b'{"seq": 17 , "boot_id" : "5f2c"', [("5f2c", 17, 17)]),
        (b'{"boot_id":"5f2c","seq":17}}', [("5f2c", 17, 17)]),
        (b'{"boot_id":"5f2c","seq":17', []),
        (b'{"boot_id":"5f2c","metrics":{"seq":17}', []),
        (b'{"boot_id":"5f2c","seq":true}', []),
        (sample("5f2c", 17.0), []),
        (sample("5f2c", -1), []),
        (sample("5f2c", 2**53), []),
        (sample("no/such", 17), []),
        (sample(None, 17), []),
        (sample(["5f2c"], 17), []),
        ([sample("5f2c", 17)], [("5f2c", 17, 17)]),
        ({"samples": [1, sample("5f2c", 17), None]}, [("5f2c", 17, 17)]),
        ({"samples": "nonsense", "boot_id": "5f2c", "seq": 17}, [("5f2c", 17, 17)]),
        (b"[" * 100_000, []),
        (b'"boot_id"' * 10_000, []),
        (b"", []),
    ],
)
def test_only_what_can_be_nothing_else_is_taken_for_a_number(
    payload: object, expected: list[tuple[str, int, int]]
) -> None:
    assert legible(payload) == expected


def test_of_a_payload_without_end_only_the_beginning_is_searched() -> None:
    number = b'{"boot_id":"5f2c","seq":17,'
    assert legible(number + bytes(MAXIMUM_PAYLOAD_BYTES)) == [("5f2c", 17, 17)]
    assert legible(bytes(MAXIMUM_PAYLOAD_BYTES) + number) == []


def test_of_more_numbers_than_a_message_may_have_the_first_are_taken() -> None:
    samples = [sample("5f2c", seq) for seq in range(2_000)]
    assert legible({"samples": samples}) == [("5f2c", 0, 999)]


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_comes_is_searched_without_an_error(payload: bytes) -> None:
    assert isinstance(legible_numbers(payload), tuple)
