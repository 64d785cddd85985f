"""The rules and maintenance windows in force, and who has to hear when they change."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from microgrid_alert_engine.ticks import Ticker
from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertQuery, AlertRecords
from microgrid_common.ports.rule_store import RuleBook, RuleStore
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import Alert, AlertStatus, Severity, SuppressionCause
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.transforms.alarms.conditions import RuleFailedError
from microgrid_common.transforms.alarms.rule_plan import RulePlan

log = structlog.get_logger()

ENGINE_DEVICE_ID: Final = "alert-engine"
"""What platform alerts about rules are about."""

_RULE_FAILED: Final = "rule-failed-"
_EVERY_SECONDS: Final = 1.0


class RuleWatch:
    """Follows the rule store.

    Args:
        store: what to follow.
        records: where the alerts are whose rules have changed.
        platform: where a rule that fails is told.
        ticker: tells devices the time when a rule or a window of theirs has changed.
        clock: the time, aware.
    """

    def __init__(
        self,
        store: RuleStore,
        *,
        records: AlertRecords,
        platform: PlatformAlarms,
        ticker: Ticker,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._records = records
        self._platform = platform
        self._ticker = ticker
        self._clock = clock
        self._book: RuleBook | None = None
        self._plan = RulePlan(())
        self._told_revision: int | None = None
        """Of the book whose changes were told to all whom they concern."""
        self._open_windows: set[MaintenanceWindow] = set()
        self._there = asyncio.Event()

    async def wait(self) -> None:
        """Wait until the rules were read once."""
        await self._there.wait()

    @property
    def plan(self) -> RulePlan:
        """What to judge by."""
        return self._plan

    async def refresh(self) -> None:
        """Follow what has changed since the last time; waits for the store."""
        book = self._book
        revision = await until_it_works(self._store.revision, dependency="redis")
        if book is None or revision != book.revision:
            book = await until_it_works(self._store.book, dependency="redis")
            self._book, self._plan = book, RulePlan(book.rules, book.windows)
            self._there.set()
            log.info("alarm_rules_read", rules=len(book.rules), revision=book.revision)
        await self._follow_windows()
        if book.revision != self._told_revision:
            # Not sooner: an engine that took a tick would still have judged by the rules as they were.
            await self._tell_of_changes(book)
            await self.disable(self._plan.failed)
            self._told_revision = book.revision

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_EVERY_SECONDS)

    async def disable(self, failures: Iterable[RuleFailedError]) -> None:
        """Take rules that failed out of force, here at once, and tell operators."""
        failed = {failure.rule_id: failure for failure in failures}
        if not failed:
            return
        if self._book is not None:
            rules = tuple(rule for rule in self._book.rules if not _is_of(rule, failed.get(rule.rule_id)))
            self._book = replace(self._book, rules=rules)
            self._plan = RulePlan(rules, self._book.windows)
        for failure in failed.values():
            await until_it_works(partial(self._disable, failure), dependency="redis")

    async def _tell_of_changes(self, book: RuleBook) -> None:
        active = await until_it_works(self._records.active_alerts, dependency="redis")
        put_aside = await until_it_works(self._records.put_aside_alerts, dependency="redis")
        lasting = [*active, *put_aside]
        versions = {rule.rule_id: rule.version for rule in book.rules if rule.in_force}
        is_open: set[tuple[str, str] | None] = {
            None,
            *((window.grid_id, window.window_id) for window in self._open_now()),
        }
        await self._ticker.tell(
            (alert.grid_id, alert.device_id)
            for alert in lasting
            if alert.rule_version not in {None, versions.get(alert.rule_id)}
            # A window that was deleted, or cut short, while no engine ran.
            or _window_of(alert) not in is_open
        )
        await self._tell_of_failures(book, lasting)

    async def _tell_of_failures(self, book: RuleBook, lasting: Iterable[Alert]) -> None:
        """Raise and clear what a crash between disabling a rule and telling it, or a change of it, left."""
        failed = {rule.rule_id: rule.disabled_because for rule in book.rules if rule.disabled_because}
        told = {rule_id: alert for alert in lasting if (rule_id := _failed_rule(alert)) is not None}
        for rule_id, reason in failed.items():
            if rule_id not in told:
                await until_it_works(partial(self._raise, rule_id, reason), dependency="redis")
        for rule_id, alert in told.items():
            if rule_id not in failed:
                await until_it_works(partial(self._clear, alert), dependency="redis")

    async def _follow_windows(self) -> None:
        is_open = self._open_now()
        for window in is_open ^ self._open_windows:
            await self._ticker.tell([device async for device in self._with_alarms(window)])
        self._open_windows = is_open

    def _open_now(self) -> set[MaintenanceWindow]:
        now = self._clock()
        windows = self._book.windows if self._book else ()
        return {window for window in windows if window.start <= now < window.end}

    async def _with_alarms(self, window: MaintenanceWindow) -> AsyncIterator[tuple[str, str]]:
        query = AlertQuery(
            grid_id=window.grid_id,
            device_id=window.device_id,
            status=AlertStatus.ACTIVE,
            limit=LARGEST_PAGE,
        )
        while True:
            page = await until_it_works(partial(self._records.find, query), dependency="redis")
            for alert in page.alerts:
                yield alert.grid_id, alert.device_id
            if page.cursor is None:
                return
            query = replace(query, cursor=page.cursor)

    async def _disable(self, failure: RuleFailedError) -> None:
        named = {"rule_id": failure.rule_id, "version": failure.version}
        log.error("alarm_rule_failed", **named, reason=failure.reason)
        if await self._store.disable(failure.rule_id, version=failure.version, because=failure.reason):
            await self._raise(failure.rule_id, failure.reason)

    async def _raise(self, rule_id: str, reason: str) -> None:
        await self._platform.raise_alert(
            ENGINE_DEVICE_ID,
            f"{_RULE_FAILED}{rule_id}",
            severity=Severity.WARNING,
            message=f"Platform: the alarm rule {rule_id} failed, and is out of force.",
            recommended_action=f"Correct the rule, which brings it back into force: {reason}",
            at=self._clock(),
        )

    async def _clear(self, alert: Alert) -> None:
        await self._platform.clear_alert(alert.device_id, alert.rule_id, at=self._clock())


def _is_of(rule: AlarmRule, failure: RuleFailedError | None) -> bool:
    return failure is not None and failure.version == rule.version


def _window_of(alert: Alert) -> tuple[str, str] | None:
    """The grid and id of the window that suppresses an alert; None when none does."""
    suppressed = alert.suppressed
    if suppressed is None or suppressed.cause is not SuppressionCause.MAINTENANCE:
        return None
    return alert.grid_id, suppressed.by


def _failed_rule(alert: Alert) -> str | None:
    """The rule whose failure a platform alert tells; None when it tells something else."""
    if (alert.grid_id, alert.device_id) != (PLATFORM_GRID_ID, ENGINE_DEVICE_ID):
        return None
    return alert.rule_id.removeprefix(_RULE_FAILED)
