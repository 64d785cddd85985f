"""The JSON of commands to devices."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.ports.command_store import CommandPage
from microgrid_common.schemas.command import (
    MOST_PARAMETERS,
    Command,
    CommandName,
    CommandState,
    ParameterValue,
)
from microgrid_common.schemas.command_catalogue import CommandKind, Parameter
from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.user import Role

_COMMAND: dict[str, JsonValue] = {
    "command_id": "cmd-019ab0c5c880-5f2c9d8e7a6b4c3d",
    "grid_id": "village-1",
    "device_id": "inverter-1",
    "command": "set_active_power_limit",
    "parameters": {"limit_kw": 2.5},
    "state": "succeeded",
    "created_by": "maria",
    "created_at": "2026-11-23T10:00:00.000Z",
    "expires_at": "2026-11-23T10:05:00.000Z",
    "attempts": 1,
    "sent_at": "2026-11-23T10:00:00.012Z",
    "delivered_at": "2026-11-23T10:00:00.200Z",
    "finished_at": "2026-11-23T10:00:00.900Z",
    "detail": None,
}


def _example(*examples: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": list(examples)})


class CommandOrder(BaseModel):
    """What a device is to do."""

    model_config = ConfigDict(
        **_example(
            {"command": "set_active_power_limit", "parameters": {"limit_kw": 2.5}},
            {"command": "restart", "confirm": "inverter-1"},
        ),
        extra="forbid",
    )

    command: CommandName
    """One that devices of its type know: see `…/commands/catalogue`."""
    parameters: Annotated[dict[str, JsonValue], Field(max_length=MOST_PARAMETERS)] = {}
    confirm: Identifier | None = None
    """The device's id once more, for what interrupts or switches something."""


class CommandView(BaseModel):
    """A command, and what became of it."""

    model_config = _example(_COMMAND)

    command_id: str
    grid_id: str
    device_id: str
    command: str
    parameters: dict[str, ParameterValue]
    """With those that were left out."""
    state: CommandState
    """`queued`: recorded. `sent`: the broker has it. `delivered`: the device has it. `succeeded`, `failed`
    and `expired` are final; of one that has `expired` it may not be known whether the device did it."""
    created_by: str
    created_at: WireTime
    expires_at: WireTime
    """The device does not begin at this time or later."""
    attempts: int
    """How often it was handed to the broker, or was about to be."""
    sent_at: WireTime | None
    delivered_at: WireTime | None
    finished_at: WireTime | None
    """When it came to its final state."""
    detail: str | None
    """What the device said about the end, or why there was none."""

    @classmethod
    def of(cls, command: Command) -> Self:
        """A command as clients see it."""
        return cls(**command.model_dump(exclude={"revision"}))


class CommandPageView(BaseModel):
    """Some commands of a device, the newest first."""

    model_config = _example({"commands": [_COMMAND], "next_cursor": None})

    commands: list[CommandView]
    next_cursor: str | None
    """To go on with, as `cursor`; null when there are no more."""

    @classmethod
    def of(cls, page: CommandPage) -> Self:
        """A page as clients see it."""
        return cls(commands=[CommandView.of(each) for each in page.commands], next_cursor=page.cursor)


class CommandKindView(BaseModel):
    """A command that a device knows."""

    model_config = _example(
        {
            "command": "identify",
            "description": "Make the device show itself, by a light or a sound.",
            "parameters": [
                {
                    "name": "seconds",
                    "type": "integer",
                    "description": "For how long.",
                    "unit": "s",
                    "minimum": 1,
                    "maximum": 600,
                    "choices": [],
                    "default": 10,
                }
            ],
            "least_role": "technician",
            "needs_confirmation": False,
            "valid_seconds": 60,
        }
    )

    command: str
    description: str
    parameters: list[Parameter]
    least_role: Role
    """Who may give it, in the device's grid."""
    needs_confirmation: bool
    """Whether `confirm` must be the device's id."""
    valid_seconds: float
    """How long after it was given the device may still begin."""

    @classmethod
    def of(cls, kind: CommandKind) -> Self:
        """An entry of the catalogue as clients see it."""
        return cls(
            command=kind.name,
            description=kind.description,
            parameters=list(kind.parameters),
            least_role=kind.least_role,
            needs_confirmation=kind.needs_confirmation,
            valid_seconds=kind.valid_for.total_seconds(),
        )
