"""Reading a long time from a store, slice by slice: so that no answer of it is too large."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from microgrid_common.ports.errors import TooManyPointsError

Rows = TypeVar("Rows")
Rows_co = TypeVar("Rows_co", covariant=True)

_FIRST_SLICE: Final = timedelta(hours=1)
_SHORTEST_SLICE: Final = timedelta(seconds=1)
# A stretch without data may be followed by one with thousands of devices.
_LONGEST_SLICE: Final = timedelta(days=7)
_FEW_ROWS: Final = 5_000
# To go through them takes some 20 ms, in which nothing else is served.
_MANY_ROWS: Final = 20_000


class ReadSlice(Protocol[Rows_co]):
    """Reads what lies between two times."""

    async def __call__(self, *, start: datetime, end: datetime) -> Rows_co:
        """What lies in `start` <= time < `end`.

        Raises:
            TooManyPointsError: it is more than the store gives at once.
        """


async def in_slices(
    read: ReadSlice[Rows],
    count: Callable[[Rows], int],
    *,
    start: datetime,
    end: datetime,
    first: timedelta = _FIRST_SLICE,
    longest: timedelta = _LONGEST_SLICE,
) -> AsyncGenerator[Rows, None]:
    """What lies between two times, in slices that follow one another, in order of time.

    A slice is made longer or shorter by how many rows the last one had.

    Args:
        read: reads a slice.
        count: how many rows there are in one.
        start: aware.
        end: aware; not part of it.
        first: how long the first slice is.
        longest: how long a slice may become.

    Raises:
        TooManyPointsError: there are more in one second than the store gives at once.
    """
    length = first
    while start < end:
        until = min(start + length, end)
        try:
            rows = await read(start=start, end=until)
        except TooManyPointsError:
            if length <= _SHORTEST_SLICE:
                raise
            length /= 4
            continue
        yield rows
        start = until
        found = count(rows)
        if found < _FEW_ROWS:
            length = min(2 * length, longest)
        elif found > _MANY_ROWS:
            length = max(length / 2, _SHORTEST_SLICE)
