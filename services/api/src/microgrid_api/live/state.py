"""The newest value of each metric of each grid, whatever order readings arrive in."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from microgrid_api.live.step_watch import StepWatch
from microgrid_common.ports.telemetry_store import Point
from microgrid_common.schemas.reading import Reading

GRIDS_KEPT = 10_000
"""A grid comes to be by a device naming it: beyond this the one that was quiet for longest is forgotten."""

_BEFORE_ANY_ARRIVAL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LiveValue:
    """The newest value of one metric."""

    value: float
    """In the metric's canonical unit."""
    time: datetime
    """When it was measured: aware, UTC."""
    device_id: str
    effective_at: datetime
    """What decides which of two values is the newer one: see `Reading.effective_at`."""
    received_at: datetime
    """What decides between two of the same `effective_at`."""
    revision: int
    """Counts the changes of the whole state: the state's revision when this value came."""
    implausible_step: bool = False
    """Whether it is further from the device's value before than is believable; it is shown all the same."""

    @property
    def rank(self) -> tuple[datetime, datetime, str]:
        """The larger one is shown; the device only makes the choice the same in any order of arrival."""
        return self.effective_at, self.received_at, self.device_id

    def shows_the_same_as(self, other: "LiveValue") -> bool:
        """Whether an operator sees no difference to `other`."""
        return (self.value, self.time, self.device_id) == (other.value, other.time, other.device_id)


class LiveState:
    """The newest value of each metric of each grid."""

    def __init__(self, *, grids_kept: int = GRIDS_KEPT) -> None:
        self._grids: OrderedDict[str, dict[str, LiveValue]] = OrderedDict()
        self._grids_kept = grids_kept
        self._steps = StepWatch()
        self._revision = 0

    @property
    def revision(self) -> int:
        """How many changes there have been."""
        return self._revision

    def apply(self, reading: Reading) -> None:
        """Take in a reading; a late one changes only what nothing newer is known of."""
        values = self._values_of(reading.grid_id)
        implausible = self._steps.take(reading)
        for metric, value in reading.metrics.items():
            self._offer(
                values,
                metric,
                LiveValue(
                    value=value,
                    time=reading.timestamp,
                    device_id=reading.device_id,
                    effective_at=reading.effective_at,
                    received_at=reading.received_at,
                    revision=self._revision + 1,
                    implausible_step=metric in implausible,
                ),
            )

    def seed(self, grid_id: str, points: Mapping[str, Point], *, known_at: datetime) -> None:
        """Take in what a store held at `known_at`; a reading of the same time or newer wins over it.

        A store knows no time of arrival. A point from the future (a prototype payload written by hand
        may carry any timestamp) therefore counts as being of `known_at`, or nothing that arrives would
        ever replace it.
        """
        values = self._values_of(grid_id)
        for metric, point in points.items():
            self._offer(
                values,
                metric,
                LiveValue(
                    value=point.value,
                    time=point.time,
                    device_id=point.device_id,
                    effective_at=min(point.time, known_at),
                    received_at=_BEFORE_ANY_ARRIVAL,
                    revision=self._revision + 1,
                ),
            )

    def values(self, grid_id: str, *, since: datetime, after_revision: int = 0) -> dict[str, LiveValue]:
        """The newest values of a grid, by canonical metric name.

        Args:
            grid_id: the grid; one that nothing is known of has no values.
            since: leave out what is older.
            after_revision: leave out what has not changed since the state had this revision.
        """
        return {
            metric: value
            for metric, value in self._grids.get(grid_id, {}).items()
            if value.effective_at >= since and value.revision > after_revision
        }

    def _values_of(self, grid_id: str) -> dict[str, LiveValue]:
        values = self._grids.setdefault(grid_id, {})
        self._grids.move_to_end(grid_id)
        if len(self._grids) > self._grids_kept:
            self._grids.popitem(last=False)
        return values

    def _offer(self, values: dict[str, LiveValue], metric: str, offered: LiveValue) -> None:
        current = values.get(metric)
        if current is not None:
            if offered.rank < current.rank:
                return
            if offered.shows_the_same_as(current):
                # A redelivery: it counts as the later arrival, but there is nothing to tell anybody.
                offered = replace(
                    offered, revision=current.revision, implausible_step=current.implausible_step
                )
        values[metric] = offered
        self._revision = max(self._revision, offered.revision)
