"""What is known about a message in quarantine, and how that changes: replayed, discarded, refused again."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason

NO_GRID: Final = "~no-grid"
"""Stands for the grid of messages that name none, such as one on an unknown topic. No grid has this name."""

TOPIC_CHARACTERS_KEPT: Final = 256
"""Longer than any topic of ours; MQTT allows 65,535 bytes, which the message itself still has."""

ENTRY_ID_PATTERN: Final = r"^[0-9]{1,15}-[0-9]{1,10}$"

EntryId = Annotated[str, StringConstraints(pattern=ENTRY_ID_PATTERN)]
"""`milliseconds-sequence`: the place of a message in the stream `quarantine`."""

HANDLED_BY_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]{1,100}$"
"""Who replayed or discarded a message, for a person to read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENTRY_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,10}", re.ASCII)


class QuarantineState(StrEnum):
    """What has become of a message in quarantine."""

    OPEN = "open"
    """Somebody has to look at it: a part of it at least is not among the readings."""
    REPLAYED = "replayed"
    """All of it was accepted in the end."""
    DISCARDED = "discarded"
    """Somebody decided that it is not needed. It can still be replayed as long as it is kept."""


class QuarantineEntry(BaseModel):
    """What is known about a message in quarantine, without its bytes."""

    model_config = ConfigDict(frozen=True)

    id: EntryId
    identity: str
    """The same for a message that was put here twice by a retry, and different for any two others."""
    received_at: AwareDatetime
    """When the ingestor received it."""
    topic: str
    """Up to `TOPIC_CHARACTERS_KEPT` of it; empty for readings that the telemetry store refused."""
    grid_id: str | None
    """None for a message that names no grid."""
    device_id: str | None
    defects: Annotated[tuple[Defect, ...], Field(min_length=1)]
    """Why it was refused, when it was tried last."""
    raw_size_bytes: int
    """The size of the payload as it came."""
    raw_kept_bytes: int
    """How much of the payload is kept."""
    stored_bytes: int
    """What it takes in the stream."""
    state: QuarantineState = QuarantineState.OPEN
    handled_at: AwareDatetime | None = None
    """When somebody replayed or discarded it last; None when nobody has."""
    handled_by: str | None = None

    @property
    def quarantined_at(self) -> datetime:
        """When it was put in quarantine, in UTC."""
        return time_of(self.id)

    @property
    def reason(self) -> Reason:
        """The reason that is counted."""
        return self.defects[0].reason

    @property
    def grid(self) -> str:
        """Its grid, or `NO_GRID`."""
        return self.grid_id or NO_GRID

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look at it."""
        return self.state is QuarantineState.OPEN

    @classmethod
    def of(cls, entry_id: str, data: bytes) -> Self:
        """What is known about a message when it is put in quarantine.

        Args:
            entry_id: its place in the stream.
            data: what the stream has there.
        """
        message = read_quarantined(entry_id, data)
        return cls(
            id=entry_id,
            identity=_identity(message),
            received_at=message.received_at,
            topic=message.topic[:TOPIC_CHARACTERS_KEPT],
            grid_id=message.grid_id,
            device_id=message.device_id,
            defects=message.defects,
            raw_size_bytes=message.raw_size_bytes,
            raw_kept_bytes=len(message.raw),
            stored_bytes=len(data),
        )

    def after_replay(self, defects: Sequence[Defect], *, by: str, at: datetime) -> Self:
        """What is known after a replay: without `defects` it is closed, else it stays as it is, with them."""
        changes: dict[str, object] = {"handled_at": at, "handled_by": by}
        if not defects:
            changes["state"] = QuarantineState.REPLAYED
        elif self.is_open:
            changes["defects"] = tuple(defects)
        return self.model_copy(update=changes)

    def after_discard(self, *, by: str, at: datetime) -> Self:
        """What is known after it was discarded; one that is closed already stays as it is."""
        if not self.is_open:
            return self
        changes = {"state": QuarantineState.DISCARDED, "handled_at": at, "handled_by": by}
        return self.model_copy(update=changes)

    def after_return(self, again: Self) -> Self:
        """What is known after the same message was put in quarantine once more.

        One that was replayed has been refused again, by the telemetry store, and is open again. Else it is
        the double that a retry makes, and nothing changes.
        """
        if self.state is not QuarantineState.REPLAYED:
            return self
        return self.model_copy(update={"state": QuarantineState.OPEN, "defects": again.defects})


def read_quarantined(entry_id: str, data: bytes) -> QuarantinedMessage:
    """The message in an entry of the stream; of an entry that is none, one that says so. Never raises."""
    try:
        return QuarantinedMessage.model_validate_json(data)
    except ValidationError:
        unreadable = Defect(reason=Reason.INTERNAL_ERROR, detail="the entry of the stream cannot be read")
        return QuarantinedMessage(
            received_at=time_of(entry_id),
            topic="",
            defects=(unreadable,),
            raw=data,
            raw_size_bytes=len(data),
        )


def is_entry_id(text: str) -> bool:
    """Whether `text` may be the id of a message in quarantine."""
    return _ENTRY_ID.fullmatch(text) is not None


def time_of(entry_id: str) -> datetime:
    """When an entry was appended to its stream, in UTC."""
    return _EPOCH + timedelta(milliseconds=int(entry_id.partition("-")[0]))


def _identity(message: QuarantinedMessage) -> str:
    # Without the defects: the words of a store may differ each time that it refuses the same.
    content = blake2b(message.raw, digest_size=16)
    content.update(f"\n{message.received_at.astimezone(UTC).isoformat()}\n{message.topic}".encode())
    return content.hexdigest()
