"""The store of roll-ups."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

MAXIMUM_ROLLUPS = 200_000
"""The most that one question gives: hours of 22 devices for a year, some 60 MB of memory."""


class Series(NamedTuple):
    """What a row of roll-ups is of."""

    grid_id: str
    device_id: str
    metric: str
    """A canonical metric name."""


class RollupStore(Protocol):
    """Keeps five-minute summaries and hours by series and start: writing one again replaces it."""

    async def write_summaries(self, rows: Sequence[tuple[Series, Summary]]) -> None:
        """Store five-minute summaries; durable when it returns.

        Raises:
            RetryableError: some may not have been stored; write the same again.
            PermanentError: they can never be stored; it says why.
        """

    async def write_hours(self, rows: Sequence[tuple[Series, Rollup]]) -> None:
        """Store the figures of hours; durable when it returns.

        Raises:
            RetryableError: some may not have been stored; write the same again.
            PermanentError: they can never be stored; it says why.
        """

    async def device_summaries(self, spans: Sequence[DeviceSpan]) -> list[dict[str, list[Summary]]]:
        """The five-minute summaries of all metrics of some devices; for short times.

        Returns:
            For each span: canonical metric name → summaries that begin in it, in order of time.

        Raises:
            RetryableError: the store is away.
        """

    async def summaries(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Summary]]:
        """The five-minute summaries of one metric that begin in a span of time.

        Args:
            grid_id: the grid.
            metric: a canonical metric name.
            span: of any length.
            device_id: only this device; None for all of the grid.

        Returns:
            Device → summaries, in order of time. A device without any is not in it.

        Raises:
            RetryableError: the store is away.
            TooManyPointsError: there are more than `MAXIMUM_ROLLUPS`.
        """

    async def hours(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Rollup]]:
        """The hours of one metric that begin in a span of time; otherwise as `summaries`."""

    async def forget(self, now: datetime) -> int:
        """Delete what is past its retention at `now`, which is aware: roll-ups older than `ROLLUPS_KEPT`.

        Returns:
            How many rows were deleted; none by a store whose server does it by itself.

        Raises:
            RetryableError: the store is away; some may be deleted.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
