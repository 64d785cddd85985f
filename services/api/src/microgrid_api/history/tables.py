"""Tables for export, which may be longer than fits the memory."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from microgrid_api.web.errors import asking

Cell = str | float | datetime | None
"""A time is aware; None is an empty cell."""
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in a column."""

    name: str
    unit: str = ""
    """Of its values; of times, the time zone; empty for none."""

    @property
    def heading(self) -> str:
        """Both in one."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is read while it is written."""

    title: str
    """One word."""
    about: Mapping[str, str | None]
    """What it is a table of."""
    columns: Sequence[Column]
    batches: AsyncGenerator[Sequence[Row], None]
    """The rows, in order; some of them may be empty."""

    def reading(self, batches: AsyncGenerator[Sequence[Row], None]) -> "Table":
        """The same with its rows from elsewhere."""
        return replace(self, batches=batches)


async def asked(
    what: str, batches: AsyncGenerator[Sequence[Row], None]
) -> AsyncGenerator[Sequence[Row], None]:
    """The same batches, with an end to waiting for each.

    Args:
        what: where they come from, as in "The telemetry store is away."
        batches: is closed at the end.

    Raises:
        UnavailableError: one did not come.
    """
    async with aclosing(batches):
        while True:
            async with asking(what):
                batch = await anext(batches, None)
            if batch is None:
                return
            yield batch


async def begun(batches: AsyncGenerator[Sequence[Row], None]) -> AsyncGenerator[Sequence[Row], None]:
    """The same batches, of which the first one has been read: whoever is asked is there.

    Raises:
        UnavailableError: it did not come.
    """
    first = await anext(batches, ())

    async def all_of_them() -> AsyncGenerator[Sequence[Row], None]:
        async with aclosing(batches):
            yield first
            async for batch in batches:
                yield batch

    return all_of_them()
