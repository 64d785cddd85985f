"""The store of readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.rollups.samples import Samples

MAXIMUM_POINTS = 1_000_000
"""The most that one `history` gives: 58 days of one device at 5 s, some 150 MB of memory."""


@dataclass(frozen=True, slots=True)
class Point:
    """The value of one metric at one time."""

    device_id: str
    time: datetime
    """Aware, UTC, whole milliseconds."""
    value: float


class DeviceSpan(NamedTuple):
    """A device, from one time to another, which is not part of it; in milliseconds since 1970."""

    grid_id: str
    device_id: str
    start_ms: int
    end_ms: int


class TelemetryStore(Protocol):
    """Keeps readings by their identity: writing one again changes nothing."""

    async def write(self, readings: Sequence[Reading]) -> None:
        """Store readings; durable when it returns.

        Of two readings with the same identity in one call the later one in order wins, metric by metric.

        Raises:
            RetryableError: nothing may have been stored; write the same again.
            PartialWriteError: all but the named readings are stored.
            PermanentError: nothing can be stored this way; it says why.
        """

    async def latest(self, grid_id: str, *, since: datetime) -> dict[str, Point]:
        """The newest point of each metric of a grid, over all its devices, not older than `since`.

        Of several devices at the same time, the last one by name, so that asking again gives the same.

        Returns:
            Canonical metric name → point. A metric without a point is not in it.

        Raises:
            RetryableError: the store is away.
        """

    async def history(
        self, grid_id: str, metric: str, *, start: datetime, end: datetime, device_id: str | None = None
    ) -> list[Point]:
        """The points of one metric with `start` <= time < `end`, in order of time, then of device.

        Args:
            grid_id: the grid.
            metric: a canonical metric name.
            start: aware.
            end: aware.
            device_id: only this device; None for all of the grid.

        Raises:
            RetryableError: the store is away.
            TooManyPointsError: there are more points than the store gives at once, `MAXIMUM_POINTS`.
        """

    async def device_samples(self, spans: Sequence[DeviceSpan]) -> list[dict[str, Samples]]:
        """All points of some devices in some times; short ones, since the answer has no bound.

        Returns:
            For each span: canonical metric name → points, in order of time.

        Raises:
            RetryableError: the store is away.
        """

    async def forget(self, now: datetime) -> int:
        """Delete what is past its retention at `now`, which is aware: readings older than `RAW_KEPT`.

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
