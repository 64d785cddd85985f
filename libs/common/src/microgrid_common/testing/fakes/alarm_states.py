"""The alarm documents in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from microgrid_common.ports.alarm_states import GridCommit, GridDocuments
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alert import Alert, AlertEvent
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.failing import FailsOnDemand
from microgrid_common.transforms.alarms.documents import (
    DeviceAlarms,
    GridAlarms,
    decode_device_alarms,
    decode_grid_alarms,
    encode_document,
)

_GRID = ""


class FakeAlarmStates(FailsOnDemand):
    """Implements `AlarmStates`. The records are in `alerts`, where `FakeAlertRecords` finds them.

    Args:
        log: where the `alerts` stream is; a log of its own by default.
    """

    def __init__(self, log: FakeDurableLog | None = None) -> None:
        super().__init__()
        self.log = log or FakeDurableLog()
        self.alerts: dict[str, Alert] = {}
        """By id, as they stand."""
        self.events: list[AlertEvent] = []
        """What was appended to the `alerts` stream."""
        self.commits: list[GridCommit] = []
        """Those that were made, in order."""
        self._documents: dict[tuple[str, str], bytes] = {}
        self._timers: dict[tuple[str, str], datetime] = {}
        self._lost_answers = 0

    def lose_next_answer(self) -> None:
        """Let the next call of `commit` raise `RetryableError` after it has done all it can."""
        self._lost_answers += 1

    async def load(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, GridDocuments]:
        """As `AlarmStates.load`."""
        self._may_fail()
        return {
            grid_id: GridDocuments(
                self._grid(grid_id), {device_id: self._device(grid_id, device_id) for device_id in devices}
            )
            for grid_id, devices in wanted.items()
        }

    async def commit(self, commits: Sequence[GridCommit]) -> list[bool]:
        """As `AlarmStates.commit`."""
        self._may_fail()
        made = [await self._commit(commit) for commit in commits]
        if self._lost_answers:
            self._lost_answers -= 1
            raise RetryableError("the answer was lost")
        for commit, was_made in zip(commits, made, strict=True):
            if was_made:
                for document in _documents(commit).values():
                    document.revision += 1
        return made

    async def due(self, grids: Sequence[str] | None, now: datetime, *, limit: int) -> list[tuple[str, str]]:
        """As `AlarmStates.due`."""
        self._may_fail()
        past = sorted(
            (time, key)
            for key, time in self._timers.items()
            if time <= now and (grids is None or key[0] in grids)
        )
        return [key for _, key in past[:limit]]

    async def ping(self) -> None:
        """As `AlarmStates.ping`."""
        self._may_fail()

    def _grid(self, grid_id: str) -> GridAlarms:
        stored = self._documents.get((grid_id, _GRID))
        return decode_grid_alarms(stored) if stored else GridAlarms()

    def _device(self, grid_id: str, device_id: str) -> DeviceAlarms:
        stored = self._documents.get((grid_id, device_id))
        return decode_device_alarms(stored) if stored else DeviceAlarms()

    def _revision(self, grid_id: str, name: str) -> int:
        return (self._device(grid_id, name) if name else self._grid(grid_id)).revision

    async def _commit(self, commit: GridCommit) -> bool:
        documents = _documents(commit)
        if any(each.revision != self._revision(commit.grid_id, name) for name, each in documents.items()):
            return False
        await self.log.append([_record(event) for event in commit.events])
        for name, document in documents.items():
            after = msgspec.structs.replace(document, revision=document.revision + 1)
            self._documents[commit.grid_id, name] = encode_document(after)
        for device_id, time in commit.timers.items():
            self._timers.pop((commit.grid_id, device_id), None)
            if time is not None:
                self._timers[commit.grid_id, device_id] = time
        self.alerts.update({alert.id: alert for alert in commit.alerts})
        self.events.extend(commit.events)
        self.commits.append(commit)
        return True


def _documents(commit: GridCommit) -> dict[str, DeviceAlarms | GridAlarms]:
    """By device; the grid's own has the empty name."""
    documents: dict[str, DeviceAlarms | GridAlarms] = dict(commit.devices)
    if commit.grid is not None:
        documents[_GRID] = commit.grid
    return documents


def _record(event: AlertEvent) -> Record:
    data = event.model_dump_json(exclude_defaults=True)
    return Record(ALERTS_STREAM, ALERT_EVENT_KIND, data.encode())
