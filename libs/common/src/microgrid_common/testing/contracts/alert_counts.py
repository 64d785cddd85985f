"""What `AlertRecords.count_active` must do."""

from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.schemas.alert import Severity
from microgrid_common.testing.contracts.alarm_changes import VILLAGE, at
from microgrid_common.testing.contracts.alert_records import SHELVING, record
from microgrid_common.testing.samples import put_alerts


class AlertCountsContract:
    """Needs the fixtures `states` and `records`, without any alerts."""

    async def test_those_that_are_annunciated_are_counted_by_severity(
        self, states: AlarmStates, records: AlertRecords
    ) -> None:
        """Of one grid: whatever their device and rule, and whether somebody has acknowledged them."""
        await put_alerts(
            states,
            record(1),
            record(2, device_id="pump", acknowledged_at=at(3)),
            record(3, severity=Severity.CRITICAL, rule_id="a b"),
            record(4, shelved=SHELVING),
            record(5, severity=Severity.INFO, cleared_at=at(6)),
            record(6, grid_id="town"),
        )
        assert await records.count_active(VILLAGE) == {Severity.WARNING: 2, Severity.CRITICAL: 1}

    async def test_the_counts_follow_what_happens(self, states: AlarmStates, records: AlertRecords) -> None:
        """A severity without any is left out."""
        await put_alerts(states, record(1), record(2, severity=Severity.INFO))
        assert await records.count_active(VILLAGE) == {Severity.WARNING: 1, Severity.INFO: 1}
        await put_alerts(
            states, record(1, cleared_at=at(3)), record(2, severity=Severity.INFO, shelved=SHELVING)
        )
        assert await records.count_active(VILLAGE) == {}
        await put_alerts(states, record(1))
        assert await records.count_active(VILLAGE) == {Severity.WARNING: 1}

    async def test_a_grid_without_alerts_has_none(self, records: AlertRecords) -> None:
        """Also one that nobody has heard of."""
        assert await records.count_active("nowhere") == {}
