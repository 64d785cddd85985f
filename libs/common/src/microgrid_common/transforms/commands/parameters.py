"""Whether the parameters of a command are what its catalogue entry asks for."""

from collections.abc import Mapping
from typing import Any

from microgrid_common.schemas.command import ParameterValue
from microgrid_common.schemas.command_catalogue import CommandKind, Parameter, ParameterType


class ParameterRefusedError(Exception):
    """A parameter is missing, unknown, or not what it may be; the message says what is allowed."""

    def __init__(self, parameter: str, message: str, kind: str) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.kind = kind
        """A name for this kind of problem that does not change."""


def checked_parameters(kind: CommandKind, given: Mapping[str, Any]) -> dict[str, ParameterValue]:
    """The parameters as they go to the device: those given, and defaults for the others; in a fixed order.

    Args:
        kind: the command.
        given: what somebody sent, decoded from JSON.

    Raises:
        ParameterRefusedError: one of them will not do.
    """
    known = {parameter.name for parameter in kind.parameters}
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise ParameterRefusedError(name, f"No parameter of {kind.name}; allowed: {allowed}", "unknown")
    values: dict[str, ParameterValue] = {}
    for parameter in kind.parameters:
        value = given.get(parameter.name, parameter.default)
        if value is None:
            raise ParameterRefusedError(parameter.name, _allowed(parameter), "missing")
        values[parameter.name] = _checked(parameter, value)
    return values


def _checked(parameter: Parameter, value: Any) -> ParameterValue:
    match parameter.type, value:
        case ParameterType.BOOLEAN, bool():
            return value
        case ParameterType.CHOICE, str() if value in parameter.choices:
            return value
        case ((ParameterType.NUMBER | ParameterType.INTEGER), bool()):
            pass
        case ParameterType.NUMBER, (int() | float()) if _is_within(parameter, value):
            return float(value)
        case ParameterType.INTEGER, int() if _is_within(parameter, value):
            return value
    raise ParameterRefusedError(parameter.name, _allowed(parameter), "not_allowed")


def _is_within(parameter: Parameter, value: float) -> bool:
    assert parameter.minimum is not None  # noqa: S101 - the catalogue has checked it
    assert parameter.maximum is not None  # noqa: S101 - as above
    # Also false of NaN.
    return parameter.minimum <= value <= parameter.maximum


def _allowed(parameter: Parameter) -> str:
    match parameter.type:
        case ParameterType.BOOLEAN:
            return "true or false"
        case ParameterType.CHOICE:
            return "One of " + ", ".join(parameter.choices)
        case _:
            what = "A whole number" if parameter.type is ParameterType.INTEGER else "A number"
            unit = f" {parameter.unit}" if parameter.unit else ""
            return f"{what} from {parameter.minimum:g} to {parameter.maximum:g}{unit}"
