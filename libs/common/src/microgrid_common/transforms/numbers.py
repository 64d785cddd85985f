"""The numbers of samples: which ones a refused payload carried, as far as that can be read."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic_core import from_json

from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES, MAXIMUM_SAMPLES

LARGEST_NUMBER = 2**53 - 1

_BOOT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")

# A number cut off by the end of the payload would be another number, so what follows it has to be there.
_BOOT_BYTES = rb'"boot_id"\s{0,9}:\s{0,9}"([A-Za-z0-9_-]{1,32})"'
_SEQ_BYTES = rb'"seq"\s{0,9}:\s{0,9}(\d{1,16})\s{0,9}(?=[,}])'
_COMMA_BYTES = rb"\s{0,9},\s{0,9}"
_LEGIBLE_PAIR = re.compile(
    rb"%b%b%b|%b%b%b" % (_BOOT_BYTES, _COMMA_BYTES, _SEQ_BYTES, _SEQ_BYTES, _COMMA_BYTES, _BOOT_BYTES)
)

Number = tuple[str, int]
"""A boot and the number of a sample in it."""


def number_ranges(numbers: Iterable[Number]) -> tuple[NumberRange, ...]:
    """Numbers in the order in which they came, consecutive ones together."""
    ranges: list[tuple[str, int, int]] = []
    for boot_id, seq in numbers:
        if ranges and ranges[-1][0] == boot_id and ranges[-1][2] == seq - 1:
            ranges[-1] = (boot_id, ranges[-1][1], seq)
        else:
            ranges.append((boot_id, seq, seq))
    return tuple(NumberRange(boot_id=boot_id, first=first, last=last) for boot_id, first, last in ranges)


def legible_numbers(payload: bytes) -> tuple[NumberRange, ...]:
    """The numbers in a payload that was refused as a whole; as many as one message may have.

    Where it is JSON, those of its samples. Where it is not, a boot and a number that stand side by side,
    as they do in what our devices write.
    """
    try:
        decoded = from_json(payload) if len(payload) <= MAXIMUM_PAYLOAD_BYTES else None
    except ValueError:
        decoded = None
    numbers = _of_json(decoded) if isinstance(decoded, dict) else _of_bytes(payload[:MAXIMUM_PAYLOAD_BYTES])
    return number_ranges(islice(numbers, MAXIMUM_SAMPLES))


def _of_json(message: dict[str, Any]) -> Iterator[Number]:
    samples = message.get("samples")
    for sample in samples if isinstance(samples, list) else [message]:
        if isinstance(sample, dict):
            boot_id, seq = sample.get("boot_id"), sample.get("seq")
            if (
                isinstance(boot_id, str)
                and _BOOT_ID.fullmatch(boot_id)
                and type(seq) is int
                and 0 <= seq <= LARGEST_NUMBER
            ):
                yield boot_id, seq


def _of_bytes(payload: bytes) -> Iterator[Number]:
    for match in _LEGIBLE_PAIR.finditer(payload):
        boot_first, seq_second, seq_first, boot_second = match.groups()
        if (seq := int(seq_second or seq_first)) <= LARGEST_NUMBER:
            yield (boot_first or boot_second).decode(), seq
