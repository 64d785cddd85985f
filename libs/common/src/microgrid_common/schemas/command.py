"""Commands to devices: the record of each, what goes to the device, what it answers, and what is told."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)

from microgrid_common.schemas.alert import PersonName
from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.telemetry import SchemaVersion, one_line

COMMAND_ID_PATTERN: Final = r"^cmd-[0-9a-f]{12}-[0-9a-f]{16}$"
"""When it was given, in milliseconds since 1970, and a random part: the order of ids is that of the times."""

LONGEST_DETAIL: Final = 500
MOST_PARAMETERS: Final = 8

CommandId = Annotated[str, StringConstraints(pattern=COMMAND_ID_PATTERN)]
CommandName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ParameterValue = StrictBool | int | float | Annotated[str, StringConstraints(max_length=64)]
Parameters = Annotated[dict[CommandName, ParameterValue], Field(max_length=MOST_PARAMETERS)]

_COMMAND_ID = re.compile(COMMAND_ID_PATTERN)


def command_id(created_at: datetime, random: str) -> str:
    """The id of a new command.

    Args:
        created_at: when it was given, aware.
        random: 16 hexadecimal digits that nobody can guess.
    """
    return f"cmd-{int(created_at.timestamp() * 1000):012x}-{random}"


def is_command_id(text: str) -> bool:
    """Whether a text can be the id of a command."""
    return _COMMAND_ID.fullmatch(text) is not None


class CommandState(StrEnum):
    """How far a command has come. `succeeded`, `failed` and `expired` are final."""

    QUEUED = "queued"
    """Recorded; the broker does not have it yet."""
    SENT = "sent"
    """The broker has it."""
    DELIVERED = "delivered"
    """The device has it, and has begun."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The device could not, or would not; `detail` says why."""
    EXPIRED = "expired"
    """Nobody said in time how it ended; `detail` says how far it is known to have come."""


FINAL_STATES: Final = frozenset({CommandState.SUCCEEDED, CommandState.FAILED, CommandState.EXPIRED})


class Command(BaseModel):
    """The record of one command."""

    model_config = ConfigDict(frozen=True)

    command_id: CommandId
    grid_id: Identifier
    device_id: Identifier
    command: CommandName
    parameters: Parameters = {}
    created_by: PersonName
    created_at: AwareDatetime
    expires_at: AwareDatetime
    """The device must not begin at this time or later."""
    state: CommandState = CommandState.QUEUED
    attempts: Annotated[int, Field(ge=0)] = 0
    """How often it was handed to the broker, or was about to be."""
    sent_at: AwareDatetime | None = None
    """When the broker first had it."""
    delivered_at: AwareDatetime | None = None
    """When the device said that it has it; None also when it said at once how it ended."""
    finished_at: AwareDatetime | None = None
    """When it came to its final state."""
    detail: str | None = None
    """What the device said about the end, or why there was none; None for nothing to say."""
    revision: int = 0
    """Counts the changes of this record; 0 for one that was never stored."""

    @property
    def is_final(self) -> bool:
        """Whether nothing changes it any more."""
        return self.state in FINAL_STATES


class CommandEvent(BaseModel):
    """A command came to another state: one entry of the stream `commands`."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    command: Command
    """As it is since then."""


class CommandMessage(BaseModel):
    """A command on a device's `command` topic.

    It may come more than once, also after the device has restarted: a device keeps the ids that it has seen
    until they expire. One that has expired it does not begin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    command_id: CommandId
    command: CommandName
    parameters: Parameters = {}
    expires_at: AwareDatetime

    def encode(self) -> bytes:
        """The JSON text that goes on the wire."""
        return self.model_dump_json(by_alias=True).encode()


class CommandAcknowledgement(BaseModel):
    """What a device says about a command, on its `command/ack` topic."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)

    schema_version: SchemaVersion = Field(default=1, alias="schema")
    command_id: CommandId
    state: Literal[CommandState.DELIVERED, CommandState.SUCCEEDED, CommandState.FAILED]
    detail: Annotated[str, StringConstraints(max_length=LONGEST_DETAIL), AfterValidator(one_line)] | None = (
        None
    )
    """For a person, such as why it failed."""

    def encode(self) -> bytes:
        """The JSON text that goes on the wire."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


class CommandAnswer(BaseModel):
    """An acknowledgement as it arrived."""

    model_config = ConfigDict(frozen=True)

    grid_id: Identifier
    device_id: Identifier
    received_at: AwareDatetime
    acknowledgement: CommandAcknowledgement
