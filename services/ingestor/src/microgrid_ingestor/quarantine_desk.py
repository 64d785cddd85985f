"""What the commands for quarantine do, whatever they print."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from microgrid_common.ports.quarantine import Quarantine, QuarantineFilter
from microgrid_common.runtime.quarantine_replay import Replay, Replayer
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState

_IDS_PER_PAGE = 200
_AGO = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Handled:
    """What came of one message of those that were named or found."""

    id: str
    entry: QuarantineEntry | None
    """What is known about it now; None when there is none of that id."""
    replay: Replay | None = None
    """None when it was to be discarded, or is not there."""


@dataclass(frozen=True, slots=True)
class QuarantineDesk:
    """Where somebody works through quarantine."""

    quarantine: Quarantine
    replayer: Replayer

    async def wanted(self, ids: Sequence[str], wanted: QuarantineFilter | None) -> AsyncIterator[str]:
        """The ids that were named, or those of the open messages that a filter finds, the oldest first.

        What comes while it goes on is left out.
        """
        for entry_id in ids:
            yield entry_id
        if wanted is None:
            return
        # The millisecond of the newest id may not be over; what comes later in it is left for the next time.
        fixed = replace(
            wanted, state=QuarantineState.OPEN, until=wanted.until or datetime.now(UTC) + timedelta(seconds=1)
        )
        cursor = None
        while True:
            page = await self.quarantine.find(fixed, limit=_IDS_PER_PAGE, cursor=cursor, oldest_first=True)
            for entry in page.entries:
                yield entry.id
            if page.cursor is None:
                return
            cursor = page.cursor

    async def replay(self, entry_id: str, *, by: str, dry_run: bool) -> Handled:
        """Replay one message, or say what would come of it."""
        replay = await self.replayer.replay(entry_id, by=by, at=datetime.now(UTC), dry_run=dry_run)
        return Handled(entry_id, replay.entry if replay else None, replay)

    async def discard(self, entry_id: str, *, by: str, dry_run: bool) -> Handled:
        """Discard one message, or say what it is."""
        if dry_run:
            found = await self.quarantine.get(entry_id)
            return Handled(entry_id, found[0] if found else None)
        return Handled(entry_id, await self.quarantine.discard(entry_id, by=by, at=datetime.now(UTC)))


def parse_time(text: str, *, now: datetime) -> datetime:
    """A time that a person wrote: ISO 8601, in UTC unless it says otherwise, or how long ago, such as `24h`.

    Raises:
        ValueError: it is neither; the message says what is allowed.
    """
    try:
        if match := _AGO.fullmatch(text):
            return now - int(match[1]) * _UNITS[match[2]]
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(
            "expected a time such as 2026-11-23T10:00:00Z, or how long ago, such as 30m, 24h or 7d"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
