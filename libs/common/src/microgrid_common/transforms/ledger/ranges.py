"""Sorted ranges of numbers that do not overlap."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from microgrid_common.schemas.ledger import Gap, Span

Range = TypeVar("Range", Gap, Span)


def cut(ranges: tuple[Range, ...], first: int, last: int) -> tuple[tuple[Range, ...], list[Span]]:
    """Take the numbers from `first` to `last` out of some ranges.

    Returns:
        What is left, and what was taken out of them, both in order.
    """
    left: list[Range] = []
    taken: list[Span] = []
    for each in ranges:
        if each.last < first or each.first > last:
            left.append(each)
            continue
        taken.append(Span(max(each.first, first), min(each.last, last)))
        if each.first < first:
            left.append(each._replace(last=first - 1))
        if each.last > last:
            left.append(each._replace(first=last + 1))
    return (tuple(left), taken) if taken else (ranges, taken)


def union(spans: Iterable[Span], more: Iterable[Span]) -> tuple[Span, ...]:
    """All numbers of both, in as few spans as can hold them."""
    merged: list[Span] = []
    for span in sorted([*spans, *more]):
        if merged and span.first <= merged[-1].last + 1:
            merged[-1] = Span(merged[-1].first, max(merged[-1].last, span.last))
        else:
            merged.append(span)
    return tuple(merged)


def count(ranges: Sequence[Range]) -> int:
    """How many numbers there are in ranges that do not overlap."""
    return sum(each.last - each.first + 1 for each in ranges)
