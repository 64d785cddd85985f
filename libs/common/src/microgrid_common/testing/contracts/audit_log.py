"""What every `AuditLog` must do."""

from typing import Any

import pytest

from microgrid_common.ports.audit_log import AuditLog, BadCursorError
from microgrid_common.schemas.audit import AuditEntry
from microgrid_common.testing.samples import SAMPLE_TIME


def audit_entry(target: str = "battery-low", **fields: Any) -> AuditEntry:
    """Somebody changed a rule."""
    return AuditEntry(
        **{
            "at": SAMPLE_TIME,
            "who": "maria",
            "action": "rule.change",
            "target": target,
            "grid_id": "village",
            "before": {"limit": 20, "odd": ['"', "é", None, 1.5]},
            **fields,
        }
    )


async def _targets(log: AuditLog, grid_id: str | None = None) -> list[str]:
    return [recorded.entry.target for recorded in (await log.find(grid_id, limit=10)).entries]


class AuditLogContract:
    """Needs a fixture `audit`, an empty `AuditLog`."""

    async def test_an_entry_is_found_again_whole(self, audit: AuditLog) -> None:
        """Under the id that it was given."""
        entry = audit_entry(after="gone", address="::1", request_id="r-1")
        entry_id = await audit.append(entry)
        (recorded,) = (await audit.find("village", limit=1)).entries
        assert (recorded.entry_id, recorded.entry) == (entry_id, entry)

    async def test_a_grid_has_its_own_and_the_whole_has_all(self, audit: AuditLog) -> None:
        """The newest first."""
        for target, grid_id in [("a", "village"), ("b", "mill"), ("c", None), ("d", "village")]:
            await audit.append(audit_entry(target, grid_id=grid_id))
        assert await _targets(audit, "village") == ["d", "a"]
        assert await _targets(audit, "mill") == ["b"]
        assert await _targets(audit, "grid") == []
        assert await _targets(audit) == ["d", "c", "b", "a"]

    async def test_pages_go_through_all_of_it_once(self, audit: AuditLog) -> None:
        """Also while entries are added."""
        for number in range(5):
            await audit.append(audit_entry(str(number)))
        found, cursor = [], None
        while True:
            page = await audit.find("village", limit=2, cursor=cursor)
            found += [recorded.entry.target for recorded in page.entries]
            await audit.append(audit_entry("new"))
            if (cursor := page.cursor) is None:
                break
        assert found == ["4", "3", "2", "1", "0"]

    @pytest.mark.parametrize("cursor", ["", "x", "1-0; DEL", "-", "+", "1-"])
    async def test_what_is_no_cursor_is_refused(self, audit: AuditLog, cursor: str) -> None:
        """It never reaches a query."""
        with pytest.raises(BadCursorError):
            await audit.find(None, limit=1, cursor=cursor)
