"""The JSON of the quarantine: what was refused, and what came of replaying it."""

import base64
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.runtime.quarantine_replay import Replay, Verdict
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState

_DEFECT: dict[str, JsonValue] = {
    "reason": "out_of_range",
    "field": "metrics.battery_soc",
    "detail": "130 is outside 0 to 100 %",
}
_MESSAGE: dict[str, JsonValue] = {
    "id": "1795428000123-0",
    "state": "open",
    "reason": "out_of_range",
    "defects": [_DEFECT],
    "grid_id": "village-1",
    "device_id": "inverter-1",
    "topic": "microgrid/village-1/device/inverter-1/telemetry",
    "received_at": "2026-11-23T10:00:00.120Z",
    "quarantined_at": "2026-11-23T10:00:00.123Z",
    "payload_bytes": 90,
    "payload_kept_bytes": 90,
    "handled_at": None,
    "handled_by": None,
}
_TEXT = '{"schema":1,"timestamp":"2026-11-23T10:00:00.000Z","metrics":{"battery_soc":130}}'


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class QuarantineEntryView(BaseModel):
    """A message in quarantine, without its payload."""

    model_config = _example(**_MESSAGE)

    id: str
    state: QuarantineState
    """`open` until somebody has replayed it with success, or discarded it."""
    reason: Reason
    """The first of `defects`."""
    defects: list[Defect]
    """Why it was refused, when it was tried last."""
    grid_id: str | None
    """Null for a message that names no grid."""
    device_id: str | None
    topic: str
    """In a list at most its first 256 characters; empty for readings that the telemetry store refused."""
    received_at: WireTime
    quarantined_at: WireTime
    payload_bytes: int
    """The size of the payload as it came."""
    payload_kept_bytes: int
    """How much of the payload is kept; one that is not kept whole cannot be replayed."""
    handled_at: WireTime | None
    """When somebody replayed or discarded it last; null when nobody has."""
    handled_by: str | None

    @classmethod
    def of(cls, entry: QuarantineEntry) -> Self:
        """`entry` as clients see it."""
        return cls.model_validate(_fields_of(entry))


class QuarantinePageView(BaseModel):
    """Messages in quarantine, the newest first."""

    model_config = _example(messages=[_MESSAGE], next_cursor=None, open_by_reason={"out_of_range": 1})

    messages: list[QuarantineEntryView]
    next_cursor: str | None
    """Where the next page begins; null when there is no more."""
    open_by_reason: dict[Reason, int]
    """How many messages of this grid are open, whatever was asked for."""


class QuarantinedMessageView(QuarantineEntryView):
    """A message in quarantine with its payload."""

    model_config = _example(
        **_MESSAGE, payload_base64=base64.b64encode(_TEXT.encode()).decode(), payload_text=_TEXT
    )

    payload_base64: str
    """What is kept of the payload, as it came."""
    payload_text: str | None
    """The same as text; null when it is not UTF-8."""

    @classmethod
    def of_message(cls, entry: QuarantineEntry, message: QuarantinedMessage) -> Self:
        """`entry` with its message as clients see it."""
        return cls.model_validate(
            {
                **_fields_of(entry),
                "topic": message.topic,
                "payload_base64": base64.b64encode(message.raw).decode(),
                "payload_text": _text(message.raw),
            }
        )


class ReplayView(BaseModel):
    """What came of a replay, or of a dry run would come."""

    model_config = _example(
        dry_run=False,
        verdict="refused",
        readings=1,
        notices=0,
        defects=[_DEFECT],
        problem=None,
        message=_MESSAGE,
    )

    dry_run: bool
    verdict: Verdict
    """`accepted`: all of it. `refused`: a part at least is still refused. `impossible`: see `problem`."""
    readings: int
    """How many readings it gives. They overwrite those that were accepted before, if any."""
    notices: int
    """How many alerts of the device's own, or statements of its presence, it gives."""
    defects: list[Defect]
    """What is still refused."""
    problem: str | None
    """Why it cannot be replayed; null when it can."""
    message: QuarantineEntryView
    """The message as it is now."""

    @classmethod
    def of(cls, replay: Replay, *, dry_run: bool) -> Self:
        """`replay` as clients see it."""
        return cls(
            dry_run=dry_run,
            verdict=replay.verdict,
            readings=replay.readings,
            notices=replay.notices,
            defects=list(replay.defects),
            problem=replay.problem or None,
            message=QuarantineEntryView.of(replay.entry),
        )


def _fields_of(entry: QuarantineEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "state": entry.state,
        "reason": entry.reason,
        "defects": list(entry.defects),
        "grid_id": entry.grid_id,
        "device_id": entry.device_id,
        "topic": entry.topic,
        "received_at": entry.received_at,
        "quarantined_at": entry.quarantined_at,
        "payload_bytes": entry.raw_size_bytes,
        "payload_kept_bytes": entry.raw_kept_bytes,
        "handled_at": entry.handled_at,
        "handled_by": entry.handled_by,
    }


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None
