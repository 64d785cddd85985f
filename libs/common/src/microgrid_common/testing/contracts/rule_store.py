"""What every `RuleStore` must do."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.rule_store import (
    MAXIMUM_VERSIONS,
    MAXIMUM_WINDOWS,
    RuleStore,
    VersionConflictError,
)
from microgrid_common.schemas.alarm_rule import (
    MAXIMUM_RULES,
    AlarmRule,
    AlarmRuleDraft,
    BandCondition,
    Comparison,
    Quality,
    RuleScope,
    ThresholdCondition,
)
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.maintenance import MaintenanceWindow

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _draft(rule_id: str = "battery-low", threshold: float = 20) -> AlarmRuleDraft:
    condition = ThresholdCondition(metric="battery_soc", comparison=Comparison.BELOW, threshold=threshold)
    return AlarmRuleDraft(
        rule_id=rule_id, name="Low", condition=condition, severity=Severity.WARNING, message="Low."
    )


def _window(window_id: str = "cells", hours: float = 0, grid_id: str = "village-1") -> MaintenanceWindow:
    start = _NOON + timedelta(hours=hours)
    return MaintenanceWindow(
        window_id=window_id,
        grid_id=grid_id,
        start=start,
        end=start + timedelta(hours=1),
        reason="New cells.",
        by="amina",
    )


class RuleStoreContract:
    """Needs a fixture `store`: a `RuleStore` with nothing in it."""

    async def test_it_begins_empty(self, store: RuleStore) -> None:
        """And that is no error."""
        await store.ping()
        book = await store.book()
        assert (book.revision, book.rules, book.windows) == (0, (), ())
        assert await store.revision() == 0
        assert await store.versions("battery-low") == []

    async def test_a_rule_is_there_with_everything_about_it(self, store: RuleStore) -> None:
        """As its first version, in force."""
        draft = AlarmRuleDraft(
            rule_id="voltage",
            name="Spannung außerhalb",
            enabled=False,
            scope=RuleScope(grid_id="village-1", device_id="meter-1", component="feeder-1"),
            condition=BandCondition(metric="ac_voltage_v", low=207.1, high=253, hysteresis=0.3),
            severity=Severity.CRITICAL,
            message="{ac_voltage_v:.0f} V",
            recommended_action="Look.\nThen act.",
            on_delay_seconds=1.5,
            off_delay_seconds=60,
            latching=True,
            minimum_quality=Quality.GOOD,
            first_out_group="supply",
        )
        stored = await store.put(draft, expected_version=None)
        assert stored == AlarmRule(**draft.model_dump(), version=1)
        assert (await store.book()).rules == (stored,)

    async def test_rules_are_in_the_order_of_their_ids(self, store: RuleStore) -> None:
        """Whenever they were put."""
        for rule_id in ("b", "c", "a"):
            await store.put(_draft(rule_id), expected_version=None)
        assert [rule.rule_id for rule in (await store.book()).rules] == ["a", "b", "c"]

    async def test_a_change_makes_the_next_version(self, store: RuleStore) -> None:
        """And the earlier ones can still be looked at."""
        first = await store.put(_draft(threshold=20), expected_version=None)
        second = await store.put(_draft(threshold=15), expected_version=1)
        assert second.version == 2
        assert (await store.book()).rules == (second,)
        assert await store.versions("battery-low") == [second, first]

    @pytest.mark.parametrize("expected", [None, 1, 3])
    async def test_a_change_of_another_version_than_the_stored_one_is_refused(
        self, store: RuleStore, expected: int | None
    ) -> None:
        """And changes nothing."""
        await store.put(_draft(), expected_version=None)
        await store.put(_draft(threshold=15), expected_version=1)
        before = await store.book()
        with pytest.raises(VersionConflictError):
            await store.put(_draft(threshold=10), expected_version=expected)
        assert await store.book() == before

    async def test_a_change_of_a_rule_that_is_not_there_is_refused(self, store: RuleStore) -> None:
        """Somebody has deleted it meanwhile."""
        with pytest.raises(VersionConflictError):
            await store.put(_draft(), expected_version=1)
        assert await store.versions("battery-low") == []

    async def test_of_changes_at_the_same_time_one_is_made(self, store: RuleStore) -> None:
        """The others are told."""
        await store.put(_draft(), expected_version=None)
        attempts = [store.put(_draft(threshold=number), expected_version=1) for number in range(1, 11)]
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        made = [outcome for outcome in outcomes if isinstance(outcome, AlarmRule)]
        assert (await store.book()).rules == tuple(made)
        assert sum(isinstance(outcome, VersionConflictError) for outcome in outcomes) == 9

    async def test_a_rule_that_fails_is_taken_out_of_force(self, store: RuleStore) -> None:
        """It keeps its version, and the first reason."""
        await store.put(_draft(), expected_version=None)
        assert await store.disable("battery-low", version=1, because="It divided by zero.")
        revision = await store.revision()
        assert await store.disable("battery-low", version=1, because="Something else.")
        assert await store.revision() == revision
        (rule,) = (await store.book()).rules
        assert (rule.version, rule.disabled_because) == (1, "It divided by zero.")
        assert not rule.in_force
        assert await store.versions("battery-low") == [rule]

    async def test_only_the_version_that_failed_is_taken_out_of_force(self, store: RuleStore) -> None:
        """Not one that has been mended meanwhile, nor one that is deleted."""
        await store.put(_draft(), expected_version=None)
        mended = await store.put(_draft(), expected_version=1)
        assert not await store.disable("battery-low", version=1, because="It divided by zero.")
        assert (await store.book()).rules == (mended,)
        await store.remove("battery-low", expected_version=2)
        assert not await store.disable("battery-low", version=2, because="It divided by zero.")
        assert (await store.book()).rules == ()

    async def test_a_change_brings_a_failed_rule_back_into_force(self, store: RuleStore) -> None:
        """Also where what is put is what was stored, with the reason in it."""
        await store.put(_draft(), expected_version=None)
        await store.disable("battery-low", version=1, because="It divided by zero.")
        (failed,) = (await store.book()).rules
        mended = await store.put(failed, expected_version=1)
        assert mended.in_force
        assert (await store.book()).rules == (mended,)

    async def test_a_deleted_rule_is_gone_but_its_versions_are_not(self, store: RuleStore) -> None:
        """And a new one of that id goes on counting: no alert means two things by one version."""
        first = await store.put(_draft(), expected_version=None)
        assert await store.remove("battery-low", expected_version=1)
        assert (await store.book()).rules == ()
        assert await store.versions("battery-low") == [first]
        again = await store.put(_draft(), expected_version=None)
        assert again.version == 2

    async def test_deleting_another_version_is_refused(self, store: RuleStore) -> None:
        """And deleting what is not there is no error."""
        await store.put(_draft(), expected_version=None)
        with pytest.raises(VersionConflictError):
            await store.remove("battery-low", expected_version=2)
        assert len((await store.book()).rules) == 1
        assert not await store.remove("other", expected_version=1)

    async def test_seeding_leaves_alone_what_was_ever_there(self, store: RuleStore) -> None:
        """An edited rule keeps its edits, and a deleted one stays deleted."""
        assert await store.seed([_draft("a"), _draft("b"), _draft("c")]) == 3
        edited = await store.put(_draft("a", threshold=5), expected_version=1)
        await store.remove("b", expected_version=1)
        before = await store.book()
        assert await store.seed([_draft("a"), _draft("b"), _draft("c")]) == 0
        assert await store.book() == before
        assert edited in before.rules
        assert await store.seed([_draft("a"), _draft("d")]) == 1
        assert [rule.rule_id for rule in (await store.book()).rules] == ["a", "c", "d"]
        assert [rule.version for rule in await store.versions("d")] == [1]

    async def test_seeding_nothing_changes_nothing(self, store: RuleStore) -> None:
        """Not even the revision."""
        assert await store.seed([]) == 0
        assert await store.revision() == 0

    async def test_there_is_a_greatest_number_of_rules(self, store: RuleStore) -> None:
        """Those that are there can still be changed."""
        await store.seed([_draft(f"rule-{number}") for number in range(MAXIMUM_RULES - 1)])
        with pytest.raises(PermanentError):
            await store.seed([_draft("a"), _draft("b")])
        await store.put(_draft("a"), expected_version=None)
        with pytest.raises(PermanentError):
            await store.put(_draft("b"), expected_version=None)
        await store.put(_draft("a"), expected_version=1)
        assert await store.seed([_draft("a")]) == 0
        assert len((await store.book()).rules) == MAXIMUM_RULES

    async def test_the_oldest_versions_of_a_rule_are_forgotten(self, store: RuleStore) -> None:
        """When there are very many."""
        await store.put(_draft(), expected_version=None)
        for version in range(1, MAXIMUM_VERSIONS + 2):
            await store.put(_draft(), expected_version=version)
        versions = [rule.version for rule in await store.versions("battery-low")]
        assert versions == list(range(MAXIMUM_VERSIONS + 2, 2, -1))

    async def test_windows_are_in_the_order_of_their_beginning(self, store: RuleStore) -> None:
        """Those of all grids; one that is put again is replaced."""
        late, early, elsewhere = _window("a", 2), _window("b", 1), _window("a", 1.5, grid_id="village-2")
        for window in (_window("a", 0), late, early, elsewhere):
            await store.put_window(window)
        assert (await store.book()).windows == (early, elsewhere, late)

    async def test_a_removed_window_is_gone(self, store: RuleStore) -> None:
        """One of that id in another grid is not."""
        await store.put_window(_window())
        await store.put_window(_window(grid_id="village-2"))
        assert await store.remove_window("village-1", "cells") == _window()
        assert await store.remove_window("village-1", "cells") is None
        assert (await store.book()).windows == (_window(grid_id="village-2"),)

    async def test_there_is_a_greatest_number_of_windows(self, store: RuleStore) -> None:
        """Those that are there can still be changed."""
        for number in range(MAXIMUM_WINDOWS):
            await store.put_window(_window(f"window-{number}"))
        with pytest.raises(PermanentError):
            await store.put_window(_window("one-more"))
        assert await store.put_window(_window("window-0", 1)) == _window("window-0")
        assert len((await store.book()).windows) == MAXIMUM_WINDOWS

    async def test_every_change_raises_the_revision(self, store: RuleStore) -> None:
        """So that copies are known to be old."""
        revisions = [await store.revision()]

        async def note() -> None:
            revisions.append(await store.revision())

        await store.seed([_draft("a")])
        await note()
        await store.put(_draft("b"), expected_version=None)
        await note()
        await store.put(_draft("b"), expected_version=1)
        await note()
        await store.disable("b", version=2, because="It divided by zero.")
        await note()
        await store.remove("b", expected_version=2)
        await note()
        await store.put_window(_window())
        await note()
        await store.remove_window("village-1", "cells")
        await note()
        assert revisions == sorted(set(revisions))
        assert (await store.book()).revision == revisions[-1]
