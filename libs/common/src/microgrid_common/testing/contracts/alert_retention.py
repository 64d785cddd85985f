"""What `AlertRecords.forget` must do."""

from typing import Any

from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.schemas.alert import Alert
from microgrid_common.testing.contracts.alarm_changes import at
from microgrid_common.testing.contracts.alert_records import SHELVING, numbers_found, record
from microgrid_common.testing.samples import put_alerts


class AlertRetentionContract:
    """Needs the fixtures `states` and `records`, without any alerts."""

    async def test_what_ended_before_is_forgotten(self, states: AlarmStates, records: AlertRecords) -> None:
        """It is found nowhere any more; what ended then or later is kept."""
        kept = [record(1, cleared_at=at(100), acknowledged_at=at(50)), _over(2, 200, grid_id="town")]
        gone = [_over(3, 99.999999), _over(4, -1e9), _over(5, 99, grid_id="town", rule_id="a b")]
        await put_alerts(states, *kept, *gone)
        assert await records.forget(at(100), limit=10) == 3
        assert await records.forget(at(100), limit=10) == 0
        assert [await records.get(alert.id) for alert in gone] == [None] * 3
        assert await numbers_found(records) == [1]
        assert await numbers_found(records, grid_id="town") == [2]
        assert await numbers_found(records, grid_id="town", rule_id="a b", device_id="prototype") == []

    async def test_what_needs_somebody_is_kept(self, states: AlarmStates, records: AlertRecords) -> None:
        """However old: what lasts, and what nobody has acknowledged."""
        kept = [
            record(1),
            record(2, acknowledged_at=at(3)),
            record(3, shelved=SHELVING),
            record(4, cleared_at=at(5)),
        ]
        gone = [
            record(5, cleared_at=at(6), superseded_by="alert-village-9"),
            record(6, cleared_at=at(7), hidden_at_end=True),
            record(7, cleared_at=at(8), acknowledged_at=at(9), acknowledged_by="Ana"),
        ]
        await put_alerts(states, *kept, *gone)
        assert await records.forget(at(1e6), limit=10) == 3
        assert await numbers_found(records) == [4, 3, 2, 1]
        await put_alerts(states, record(4, cleared_at=at(5), acknowledged_at=at(1e6)))
        assert await records.forget(at(1e6), limit=10) == 1
        assert await numbers_found(records) == [3, 2, 1]

    async def test_what_needs_somebody_again_is_kept(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """It counts how a record stands now."""
        await put_alerts(states, _over(1, 5))
        await put_alerts(states, record(1, cleared_at=at(5)))
        assert await records.forget(at(100), limit=3) == 0
        assert await numbers_found(records) == [1]

    async def test_at_most_so_many_are_forgotten_the_oldest_first(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """By when they ended; the rest is for the next time."""
        await put_alerts(states, *(_over(number, 100 - number) for number in range(1, 8)))
        assert await records.forget(at(100), limit=3) == 3
        assert await numbers_found(records) == [4, 3, 2, 1]
        assert await records.forget(at(100), limit=3) == 3
        assert await records.forget(at(100), limit=3) == 1
        assert await numbers_found(records) == []

    async def test_what_was_forgotten_can_be_written_again(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """By somebody who had read it before."""
        await put_alerts(states, _over(1, 5))
        await records.forget(at(100), limit=3)
        again = record(1, cleared_at=at(5), acknowledged_at=at(6), assigned_to="Ana")
        await put_alerts(states, again)
        assert await records.get(again.id) == again
        assert await records.forget(at(100), limit=3) == 1


def _over(number: int, ended: float, **fields: Any) -> Alert:
    """A record that ended at a time and needs nobody."""
    return record(number, cleared_at=at(ended), acknowledged_at=at(ended), **fields)
