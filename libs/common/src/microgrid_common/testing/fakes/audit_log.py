"""The audit log in memory."""

from microgrid_common.ports.audit_log import ENTRIES_KEPT, AuditPage, BadCursorError, RecordedEntry
from microgrid_common.schemas.audit import AuditEntry
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeAuditLog(FailsOnDemand):
    """Implements `AuditLog`."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[RecordedEntry] = []

    async def append(self, entry: AuditEntry) -> str:
        """As `AuditLog.append`."""
        self._may_fail()
        entry_id = f"{len(self.recorded) + 1}-0"
        self.recorded.append(RecordedEntry(entry_id, entry))
        return entry_id

    async def find(self, grid_id: str | None, *, limit: int, cursor: str | None = None) -> AuditPage:
        """As `AuditLog.find`."""
        self._may_fail()
        if cursor is not None and not cursor.removesuffix("-0").isdecimal():
            raise BadCursorError
        older = self.recorded if cursor is None else self.recorded[: int(cursor.removesuffix("-0")) - 1]
        found = [one for one in reversed(older) if grid_id in {None, one.entry.grid_id}][:ENTRIES_KEPT]
        shown = found[:limit]
        return AuditPage(shown, shown[-1].entry_id if len(found) > limit else None)

    async def ping(self) -> None:
        """As `AuditLog.ping`."""
        self._may_fail()
