"""The store of alarm rules and of maintenance windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.maintenance import MaintenanceWindow

MAXIMUM_VERSIONS: Final = 100
"""Of one rule, the newest ones."""
MAXIMUM_WINDOWS: Final = 1_000
"""Of all grids; each counts until it is deleted."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules and windows at one time."""

    revision: int
    """As `RuleStore.revision` at that time, or an earlier one."""
    rules: tuple[AlarmRule, ...]
    """In the order of their ids; those that are not in force too."""
    windows: tuple[MaintenanceWindow, ...] = ()
    """In the order of their beginning, then of their grids and ids."""


class VersionConflictError(Exception):
    """Somebody else changed the rule meanwhile: look at it again."""


class RuleStore(Protocol):
    """Keeps rules, their versions, and maintenance windows.

    A rule that is here has been checked (`transforms.alarms.check_rule`); the store does not check it.
    """

    async def revision(self) -> int:
        """A number that grows with every change; 0 of one that never changed.

        Raises:
            RetryableError: the store is away.
        """

    async def book(self) -> RuleBook:
        """All of it.

        Raises:
            RetryableError: the store is away.
        """

    async def seed(self, drafts: Sequence[AlarmRuleDraft]) -> int:
        """Put rules in as version 1 where no rule of that id was ever stored; returns how many.

        So an edited rule keeps its edits, and a deleted one stays deleted, over restarts.

        Raises:
            PermanentError: there would be more than `MAXIMUM_RULES`; none was put in.
            RetryableError: the store is away; calling again is safe.
        """

    async def put(self, draft: AlarmRuleDraft, *, expected_version: int | None) -> AlarmRule:
        """Store a rule under the next version; it is in force unless it says otherwise.

        Versions go on counting where a rule of that id was deleted before.

        Args:
            draft: the rule.
            expected_version: the version that it replaces; None for a new one.

        Raises:
            VersionConflictError: the stored version is another one, or there is one already.
            PermanentError: there are `MAXIMUM_RULES` already.
            RetryableError: the store is away; it may or may not have happened.
        """

    async def disable(self, rule_id: str, *, version: int, because: str) -> bool:
        """Take a rule that fails out of force; False when that version is not the one that is stored.

        The version stays as it is, and the first reason that was given. `put` brings a rule back into force.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def remove(self, rule_id: str, *, expected_version: int) -> bool:
        """Delete a rule; its versions stay to be looked at. False when there is none.

        Raises:
            VersionConflictError: the stored version is another one.
            RetryableError: the store is away; it may or may not have happened.
        """

    async def versions(self, rule_id: str) -> list[AlarmRule]:
        """The last `MAXIMUM_VERSIONS` that a rule has had, the newest first; empty when there never was one.

        Raises:
            RetryableError: the store is away.
        """

    async def put_window(self, window: MaintenanceWindow) -> MaintenanceWindow | None:
        """Store a maintenance window; returns the one of that id in its grid that it replaced.

        Raises:
            PermanentError: there are `MAXIMUM_WINDOWS` already.
            RetryableError: the store is away; calling again is safe.
        """

    async def remove_window(self, grid_id: str, window_id: str) -> MaintenanceWindow | None:
        """Delete a window; returns what it was, None when there is none.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
