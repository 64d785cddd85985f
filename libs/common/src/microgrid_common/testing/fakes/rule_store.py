"""Alarm rules and maintenance windows in memory."""

from collections import defaultdict
from collections.abc import Sequence

from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.rule_store import (
    MAXIMUM_VERSIONS,
    MAXIMUM_WINDOWS,
    RuleBook,
    VersionConflictError,
)
from microgrid_common.schemas.alarm_rule import MAXIMUM_RULES, AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeRuleStore(FailsOnDemand):
    """Implements `RuleStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._revision = 0
        self._rules: dict[str, AlarmRule] = {}
        self._versions: dict[str, list[AlarmRule]] = defaultdict(list)
        self._windows: dict[tuple[str, str], MaintenanceWindow] = {}

    async def revision(self) -> int:
        """As `RuleStore.revision`."""
        self._may_fail()
        return self._revision

    async def book(self) -> RuleBook:
        """As `RuleStore.book`."""
        self._may_fail()
        windows = sorted(
            self._windows.values(), key=lambda window: (window.start, window.grid_id, window.window_id)
        )
        return RuleBook(
            self._revision, tuple(rule for _, rule in sorted(self._rules.items())), tuple(windows)
        )

    async def seed(self, drafts: Sequence[AlarmRuleDraft]) -> int:
        """As `RuleStore.seed`."""
        self._may_fail()
        missing = [draft for draft in drafts if draft.rule_id not in self._versions]
        if missing and len(self._rules) + len(missing) > MAXIMUM_RULES:
            raise PermanentError(f"there can be no more than {MAXIMUM_RULES} rules")
        for draft in missing:
            self._store(draft)
        self._revision += bool(missing)
        return len(missing)

    async def put(self, draft: AlarmRuleDraft, *, expected_version: int | None) -> AlarmRule:
        """As `RuleStore.put`."""
        self._may_fail()
        self._expect(draft.rule_id, expected_version)
        if draft.rule_id not in self._rules and len(self._rules) >= MAXIMUM_RULES:
            raise PermanentError(f"there can be no more than {MAXIMUM_RULES} rules")
        self._revision += 1
        return self._store(draft)

    async def disable(self, rule_id: str, *, version: int, because: str) -> bool:
        """As `RuleStore.disable`."""
        self._may_fail()
        rule = self._rules.get(rule_id)
        if rule is None or rule.version != version:
            return False
        if rule.disabled_because is None:
            disabled = rule.model_copy(update={"disabled_because": because})
            self._rules[rule_id] = self._versions[rule_id][-1] = disabled
            self._revision += 1
        return True

    async def remove(self, rule_id: str, *, expected_version: int) -> bool:
        """As `RuleStore.remove`."""
        self._may_fail()
        if rule_id not in self._rules:
            return False
        self._expect(rule_id, expected_version)
        del self._rules[rule_id]
        self._revision += 1
        return True

    async def versions(self, rule_id: str) -> list[AlarmRule]:
        """As `RuleStore.versions`."""
        self._may_fail()
        return self._versions.get(rule_id, [])[: -MAXIMUM_VERSIONS - 1 : -1]

    async def put_window(self, window: MaintenanceWindow) -> MaintenanceWindow | None:
        """As `RuleStore.put_window`."""
        self._may_fail()
        key = (window.grid_id, window.window_id)
        if key not in self._windows and len(self._windows) >= MAXIMUM_WINDOWS:
            raise PermanentError(f"there can be no more than {MAXIMUM_WINDOWS} maintenance windows")
        before = self._windows.get(key)
        self._windows[key] = window
        self._revision += 1
        return before

    async def remove_window(self, grid_id: str, window_id: str) -> MaintenanceWindow | None:
        """As `RuleStore.remove_window`."""
        self._may_fail()
        removed = self._windows.pop((grid_id, window_id), None)
        self._revision += removed is not None
        return removed

    async def ping(self) -> None:
        """As `RuleStore.ping`."""
        self._may_fail()

    def _expect(self, rule_id: str, version: int | None) -> None:
        rule = self._rules.get(rule_id)
        if (rule.version if rule else None) != version:
            raise VersionConflictError("the stored version of the rule is another one")

    def _store(self, draft: AlarmRuleDraft) -> AlarmRule:
        fields = draft.model_dump(include=set(AlarmRuleDraft.model_fields))
        before = self._versions[draft.rule_id]
        rule = AlarmRule(**fields, version=before[-1].version + 1 if before else 1)
        before.append(rule)
        self._rules[draft.rule_id] = rule
        return rule
