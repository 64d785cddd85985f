"""The telemetry store in memory."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite

from microgrid_common.ports.errors import PartialWriteError, TooManyPointsError
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.telemetry_store import MAXIMUM_POINTS, DeviceSpan, Point
from microgrid_common.schemas.reading import Reading
from microgrid_common.testing.fakes.failing import FailsOnDemand
from microgrid_common.transforms.rollups.samples import Samples

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FakeTelemetryStore(FailsOnDemand):
    """Implements `TelemetryStore`.

    Args:
        maximum_points: the most that `history` gives.
    """

    def __init__(self, *, maximum_points: int = MAXIMUM_POINTS) -> None:
        super().__init__()
        self.writes: list[tuple[Reading, ...]] = []
        """The readings of each call of `write` that did not fail, in order."""
        self._maximum_points = maximum_points
        self._values: dict[tuple[str, str], dict[tuple[datetime, str], float]] = defaultdict(dict)
        self._refused_for_good: set[tuple[str, str, datetime]] = set()

    def refuse(self, *readings: Reading) -> None:
        """Never store readings of the identity of these, as a store refuses what is past its retention."""
        self._refused_for_good.update(_identity(reading) for reading in readings)

    async def write(self, readings: Sequence[Reading]) -> None:
        """As `TelemetryStore.write`."""
        self._may_fail()
        rejected = [reading for reading in readings if self._refuses(reading)]
        accepted = tuple(reading for reading in readings if not self._refuses(reading))
        for reading in accepted:
            for metric, value in reading.metrics.items():
                self._values[reading.grid_id, metric][reading.timestamp, reading.device_id] = value
        self.writes.append(accepted)
        if rejected:
            raise PartialWriteError("the fake store refuses them", rejected=rejected)

    async def latest(self, grid_id: str, *, since: datetime) -> dict[str, Point]:
        """As `TelemetryStore.latest`."""
        self._may_fail()
        newest = {metric: max(values) for (grid, metric), values in self._values.items() if grid == grid_id}
        return {
            metric: Point(device_id, time, self._values[grid_id, metric][time, device_id])
            for metric, (time, device_id) in newest.items()
            if time >= since
        }

    async def history(
        self, grid_id: str, metric: str, *, start: datetime, end: datetime, device_id: str | None = None
    ) -> list[Point]:
        """As `TelemetryStore.history`."""
        self._may_fail()
        points = [
            Point(device, time, value)
            for (time, device), value in sorted(self._values.get((grid_id, metric), {}).items())
            if start <= time < end and device_id in (None, device)
        ]
        if len(points) > self._maximum_points:
            raise TooManyPointsError(self._maximum_points)
        return points

    async def device_samples(self, spans: Sequence[DeviceSpan]) -> list[dict[str, Samples]]:
        """As `TelemetryStore.device_samples`."""
        self._may_fail()
        return [self._samples_in(span) for span in spans]

    async def forget(self, now: datetime) -> int:
        """As `TelemetryStore.forget`."""
        self._may_fail()
        old = [(values, key) for values in self._values.values() for key in values if key[0] < now - RAW_KEPT]
        for values, key in old:
            del values[key]
        return len(old)

    async def ping(self) -> None:
        """As `TelemetryStore.ping`."""
        self._may_fail()

    def _samples_in(self, span: DeviceSpan) -> dict[str, Samples]:
        by_metric: dict[str, Samples] = {}
        for (grid_id, metric), values in self._values.items():
            samples = [
                (milliseconds, value)
                for (time, device_id), value in sorted(values.items())
                if (grid_id, device_id) == (span.grid_id, span.device_id)
                and span.start_ms
                <= (milliseconds := (time - _EPOCH) // timedelta(milliseconds=1))
                < span.end_ms
            ]
            for milliseconds, value in samples:
                by_metric.setdefault(metric, Samples()).append(milliseconds, value)
        return by_metric

    def _refuses(self, reading: Reading) -> bool:
        finite = all(map(isfinite, reading.metrics.values()))
        return not finite or _identity(reading) in self._refused_for_good


def _identity(reading: Reading) -> tuple[str, str, datetime]:
    return reading.grid_id, reading.device_id, reading.timestamp
