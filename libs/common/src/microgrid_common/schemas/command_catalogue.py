"""The commands that devices know: for which types of device, with which parameters, and who may give them."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from microgrid_common.schemas.command import MOST_PARAMETERS, CommandName, ParameterValue
from microgrid_common.schemas.identifiers import Identifier
from microgrid_common.schemas.user import Role


class ParameterType(StrEnum):
    """What a parameter's value is."""

    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"


class Parameter(BaseModel):
    """One parameter of a command."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: CommandName
    type: ParameterType
    description: str
    unit: str | None = None
    """Of a number; null for one without a unit."""
    minimum: float | None = None
    """The least that a number or an integer may be."""
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    """What a choice may be."""
    default: ParameterValue | None = None
    """What is sent when it is left out; null for one that must be given."""

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        numeric = self.type in {ParameterType.NUMBER, ParameterType.INTEGER}
        if numeric != (self.minimum is not None and self.maximum is not None):
            raise ValueError("a number has a minimum and a maximum, and nothing else has")
        if (self.type is ParameterType.CHOICE) != bool(self.choices):
            raise ValueError("a choice has choices, and nothing else has")
        return self


class CommandKind(BaseModel):
    """One command of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: CommandName
    description: str
    device_types: frozenset[Identifier] = frozenset()
    """The types of device that know it; empty: every device does."""
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=MOST_PARAMETERS)] = ()
    least_role: Role = Role.TECHNICIAN
    """Who may give it, in the device's grid."""
    needs_confirmation: bool = False
    """Whether the device's id must be given a second time: it interrupts or switches something."""
    valid_for: timedelta = timedelta(minutes=5)
    """How long after it was given a device may still begin."""

    def is_for(self, device_type: str) -> bool:
        """Whether devices of a type know it."""
        return not self.device_types or device_type in self.device_types


_INVERTER = ["inverter"]
_BATTERY = ["battery"]
_SWITCHING = ["load-controller", "relay"]
_POWER_LIMIT = {"name": "limit_kw", "type": "number", "unit": "kW", "minimum": 0, "maximum": 10_000}

_ENTRIES: Final[list[dict[str, object]]] = [
    {
        "name": "identify",
        "description": "Make the device show itself, by a light or a sound.",
        "parameters": [
            {
                "name": "seconds",
                "type": "integer",
                "unit": "s",
                "minimum": 1,
                "maximum": 600,
                "default": 10,
                "description": "For how long.",
            }
        ],
        # Somebody stands there and looks.
        "valid_for": timedelta(minutes=1),
    },
    {
        "name": "set_reporting_interval",
        "description": "Set how often the device reports.",
        "parameters": [
            {
                "name": "seconds",
                "type": "number",
                "unit": "s",
                "minimum": 1,
                "maximum": 86_400,
                "description": "The time between two readings.",
            }
        ],
        # A device that sleeps most of the time may take it when it wakes up.
        "valid_for": timedelta(hours=1),
    },
    {
        "name": "restart",
        "description": "Restart the device. What it does, it interrupts.",
        "needs_confirmation": True,
    },
    {
        "name": "set_active_power_limit",
        "description": "Limit what the inverter feeds in.",
        "device_types": _INVERTER,
        "parameters": [{**_POWER_LIMIT, "description": "The most that it may feed in."}],
    },
    {
        "name": "set_charge_limit",
        "description": "Limit the power at which the battery is charged.",
        "device_types": _BATTERY,
        "parameters": [{**_POWER_LIMIT, "description": "The most that may flow in; 0: no charging."}],
    },
    {
        "name": "set_discharge_limit",
        "description": "Limit the power at which the battery is discharged.",
        "device_types": _BATTERY,
        "parameters": [{**_POWER_LIMIT, "description": "The most that may flow out; 0: no discharging."}],
    },
    {
        "name": "set_relay",
        "description": "Open or close a relay: what hangs on it loses power, or gets it.",
        "device_types": _SWITCHING,
        "parameters": [
            {
                "name": "relay",
                "type": "integer",
                "minimum": 1,
                "maximum": 64,
                "default": 1,
                "description": "Which one of the device's relays.",
            },
            {"name": "closed", "type": "boolean", "description": "True: closed, so that current flows."},
        ],
        "needs_confirmation": True,
        # Somebody who works on the line must not be surprised by a switch that was meant for earlier.
        "valid_for": timedelta(minutes=1),
    },
]

CATALOGUE: Final[dict[str, CommandKind]] = {
    kind.name: kind for kind in TypeAdapter(list[CommandKind]).validate_python(_ENTRIES)
}
"""By name."""


def commands_for(device_type: str) -> list[CommandKind]:
    """The commands that devices of a type know, by name."""
    return [kind for _, kind in sorted(CATALOGUE.items()) if kind.is_for(device_type)]
