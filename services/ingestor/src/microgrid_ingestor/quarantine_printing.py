"""How the commands for quarantine show what they found: for people, and as JSON for programs.

Whatever a device sent is made printable first: a terminal obeys what it is sent.
"""

import base64
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from microgrid_common.ports.quarantine import QuarantineCounts
from microgrid_common.runtime.quarantine_replay import Verdict
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState
from microgrid_ingestor.quarantine_desk import Handled

SHOWN_CHARACTERS = 4_000
"""Of a payload, for a person; a program gets all of it."""

_TOPIC_CHARACTERS = 60


def printable(text: str) -> str:
    """`text` with every character that a terminal might obey, or not show, written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def entries_table(entries: Sequence[QuarantineEntry]) -> Table:
    """One line for each message."""
    table = _table("id", "quarantined, UTC", "state", "from", "reason")
    for entry in entries:
        table.add_row(
            *_texts(
                entry.id,
                f"{entry.quarantined_at:%Y-%m-%d %H:%M}",
                entry.state,
                f"{entry.grid}/{entry.device_id}" if entry.device_id else f"{entry.grid} {_topic(entry)}",
                _reasons(entry.defects),
            )
        )
    return table


def message_table(entry: QuarantineEntry, message: QuarantinedMessage) -> Table:
    """Everything about one message."""
    table = Table(show_header=False)
    rows = [
        ("id", entry.id),
        ("state", entry.state),
        ("handled", f"{entry.handled_at} by {entry.handled_by}" if entry.handled_at else "by nobody"),
        ("quarantined", f"{entry.quarantined_at}"),
        ("received", f"{message.received_at}"),
        ("topic", message.topic or "(none: the telemetry store refused these readings)"),
        ("grid", entry.grid),
        ("device", entry.device_id or ""),
        *(("refused", _defect(defect)) for defect in entry.defects),
        ("bytes", f"{message.raw_size_bytes}, {len(message.raw)} of them kept"),
    ]
    for name, value in rows:
        table.add_row(*_texts(name, value))
    raw = printable(message.raw.decode(errors="backslashreplace"))
    table.add_row(Text("payload"), Text(raw[:SHOWN_CHARACTERS], overflow="fold"))
    if len(raw) > SHOWN_CHARACTERS:
        table.add_row("", f"… {len(raw) - SHOWN_CHARACTERS} more characters; --json has all of it")
    return table


def handled_table(handled: Sequence[Handled]) -> Table:
    """What came of each message."""
    table = _table("id", "what", "readings", "state", "what is wrong")
    for each in handled:
        if each.entry is None:
            table.add_row(*_texts(each.id, "not found"))
            continue
        replay = each.replay
        table.add_row(
            *_texts(
                each.id,
                replay.verdict if replay else "",
                str(replay.readings) if replay else "",
                each.entry.state,
                (replay.problem or "; ".join(map(_defect, replay.defects))) if replay else "",
            )
        )
    return table


def entry_json(entry: QuarantineEntry) -> dict[str, Any]:
    """A message without its payload."""
    fields = entry.model_dump(mode="json", exclude={"identity", "stored_bytes"})
    return {**fields, "quarantined_at": entry.quarantined_at.isoformat().replace("+00:00", "Z")}


def message_json(entry: QuarantineEntry, message: QuarantinedMessage) -> dict[str, Any]:
    """A message with its payload."""
    payload = base64.b64encode(message.raw).decode()
    return {**entry_json(entry), "topic": message.topic, "raw_base64": payload}


def handled_json(handled: Handled) -> dict[str, Any]:
    """What came of a message."""
    known: dict[str, Any] = {"id": handled.id, "state": handled.entry.state if handled.entry else None}
    if replay := handled.replay:
        known |= {
            "verdict": replay.verdict,
            "readings": replay.readings,
            "notices": replay.notices,
            "defects": [defect.model_dump(mode="json") for defect in replay.defects],
            "problem": replay.problem or None,
        }
    return known


def counts_json(counts: QuarantineCounts) -> dict[str, dict[str, int]]:
    """State → reason → number of messages."""
    table: dict[str, dict[str, int]] = {}
    for (state, reason), number in sorted(counts.items()):
        table.setdefault(state, {})[reason] = number
    return table


def counts_line(counts: QuarantineCounts) -> str:
    """How much is open, by reason."""
    by_reason = {
        reason: number for (state, reason), number in counts.items() if state is QuarantineState.OPEN
    }
    if not by_reason:
        return "Nothing is open."
    largest_first = sorted(by_reason.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = ", ".join(f"{reason} {number}" for reason, number in largest_first)
    return f"Open: {sum(by_reason.values())} ({parts})."


def is_well(handled: Handled) -> bool:
    """Whether nothing is left to do about a message."""
    if handled.replay:
        return handled.replay.verdict is Verdict.ACCEPTED
    return handled.entry is not None and handled.entry.state is not QuarantineState.REPLAYED


def _table(*names: str) -> Table:
    """A table whose first column is never cut: an id is there to be copied."""
    table = Table()
    for name in names:
        table.add_column(name, no_wrap=name == names[0], overflow="fold")
    return table


def _topic(entry: QuarantineEntry) -> str:
    return entry.topic if len(entry.topic) <= _TOPIC_CHARACTERS else f"{entry.topic[:_TOPIC_CHARACTERS]}…"


def _reasons(defects: Sequence[Defect]) -> str:
    where = f" {defects[0].field}" if defects[0].field else ""
    more = f" +{len(defects) - 1}" if len(defects) > 1 else ""
    return f"{defects[0].reason}{where}{more}"


def _defect(defect: Defect) -> str:
    where = f" at {defect.field}" if defect.field else ""
    return f"{defect.reason}{where}: {defect.detail}" if defect.detail else f"{defect.reason}{where}"


def _texts(*cells: str) -> list[Text]:
    # A Text, since rich would take brackets in a plain string for markup.
    return [Text(printable(cell)) for cell in cells]
