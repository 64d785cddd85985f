"""The store of roll-ups in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.retention import ROLLUPS_KEPT
from microgrid_common.ports.rollup_store import MAXIMUM_ROLLUPS, Series
from microgrid_common.ports.telemetry_store import DeviceSpan
from microgrid_common.testing.fakes.failing import FailsOnDemand
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

Figures = TypeVar("Figures", Summary, Rollup)


class FakeRollupStore(FailsOnDemand):
    """Implements `RollupStore`.

    Args:
        maximum_rollups: the most that one question gives.
    """

    def __init__(self, *, maximum_rollups: int = MAXIMUM_ROLLUPS) -> None:
        super().__init__()
        self.summary_rows: dict[tuple[Series, int], Summary] = {}
        """Series and start → what is stored."""
        self.hour_rows: dict[tuple[Series, int], Rollup] = {}
        """Series and start → what is stored."""
        self._maximum_rollups = maximum_rollups

    async def write_summaries(self, rows: Sequence[tuple[Series, Summary]]) -> None:
        """As `RollupStore.write_summaries`."""
        self._may_fail()
        self.summary_rows.update({(series, summary.start_ms): summary for series, summary in rows})

    async def write_hours(self, rows: Sequence[tuple[Series, Rollup]]) -> None:
        """As `RollupStore.write_hours`."""
        self._may_fail()
        self.hour_rows.update({(series, hour.start_ms): hour for series, hour in rows})

    async def device_summaries(self, spans: Sequence[DeviceSpan]) -> list[dict[str, list[Summary]]]:
        """As `RollupStore.device_summaries`."""
        self._may_fail()
        found: list[dict[str, list[Summary]]] = []
        for span in spans:
            by_metric: dict[str, list[Summary]] = {}
            for (series, start_ms), summary in sorted(self.summary_rows.items()):
                if series[:2] == span[:2] and span.start_ms <= start_ms < span.end_ms:
                    by_metric.setdefault(series.metric, []).append(summary)
            found.append(by_metric)
        return found

    async def summaries(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Summary]]:
        """As `RollupStore.summaries`."""
        return self._read(self.summary_rows, (grid_id, device_id, metric), span)

    async def hours(
        self, grid_id: str, metric: str, span: Span, *, device_id: str | None = None
    ) -> dict[str, list[Rollup]]:
        """As `RollupStore.hours`."""
        return self._read(self.hour_rows, (grid_id, device_id, metric), span)

    async def forget(self, now: datetime) -> int:
        """As `RollupStore.forget`."""
        self._may_fail()
        before_ms = int((now - ROLLUPS_KEPT).timestamp() * 1000)
        rows = [(table, key) for table in (self.summary_rows, self.hour_rows) for key in table]
        old = [(table, key) for table, key in rows if key[1] < before_ms]
        for table, key in old:
            del table[key]
        return len(old)

    async def ping(self) -> None:
        """As `RollupStore.ping`."""
        self._may_fail()

    def _read(
        self,
        rows: Mapping[tuple[Series, int], Figures],
        wanted: tuple[str, str | None, str],
        span: Span,
    ) -> dict[str, list[Figures]]:
        self._may_fail()
        by_device: dict[str, list[Figures]] = {}
        for (series, start_ms), figures in sorted(rows.items(), key=lambda row: row[0]):
            matches = all(want in (None, name) for want, name in zip(wanted, series, strict=True))
            if matches and span.start_ms <= start_ms < span.end_ms:
                by_device.setdefault(series.device_id, []).append(figures)
        if sum(map(len, by_device.values())) > self._maximum_rollups:
            raise TooManyPointsError(self._maximum_rollups)
        return by_device
