"""Sorted ranges of numbers that do not overlap."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from microgrid_common.schemas.ledger import Gap, Span

Range = TypeVar("Range", Gap, Span)

_FIRST, _LAST = attrgetter("first"), attrgetter("last")


def cut(ranges: tuple[Range, ...], first: int, last: int) -> tuple[tuple[Range, ...], list[Span]]:
    """Take the numbers from `first` to `last` out of some ranges.

    Returns:
        What is left, and what was taken out of them, both in order.
    """
    affected = _affected(ranges, first, last)
    touched = ranges[affected]
    if not touched:
        return ranges, []
    pieces: list[Range] = []
    if touched[0].first < first:
        pieces.append(touched[0]._replace(last=first - 1))
    if touched[-1].last > last:
        pieces.append(touched[-1]._replace(first=last + 1))
    taken = [Span(max(each.first, first), min(each.last, last)) for each in touched]
    return ranges[: affected.start] + tuple(pieces) + ranges[affected.stop :], taken


def _affected(ranges: Sequence[Gap | Span], first: int, last: int) -> slice:
    """Where the ranges stand that hold numbers from `first` to `last`."""
    start = bisect_left(ranges, first, key=_LAST)
    return slice(start, bisect_right(ranges, last, lo=start, key=_FIRST))


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
