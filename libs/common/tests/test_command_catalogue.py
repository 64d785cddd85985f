"""The catalogue of commands, and what it makes of parameters."""

import math
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from microgrid_common.schemas.command_catalogue import (
    CATALOGUE,
    CommandKind,
    Parameter,
    ParameterType,
    commands_for,
)
from microgrid_common.schemas.user import Role
from microgrid_common.transforms.commands.parameters import ParameterRefusedError, checked_parameters

ECO = CommandKind(
    name="set_mode",
    description="For the test.",
    parameters=(
        Parameter(name="mode", type=ParameterType.CHOICE, choices=("eco", "full"), description="Which."),
    ),
)


@pytest.mark.parametrize(
    ("device_type", "its_own"),
    [
        ("inverter", {"set_active_power_limit"}),
        ("battery", {"set_charge_limit", "set_discharge_limit"}),
        ("relay", {"set_relay"}),
        ("load-controller", {"set_relay"}),
        ("weather-station", set()),
        ("unregistered", set()),
    ],
)
def test_every_device_knows_some_commands_and_each_type_its_own(device_type: str, its_own: set[str]) -> None:
    names = [kind.name for kind in commands_for(device_type)]
    assert names == sorted(names)
    assert set(names) == {"identify", "set_reporting_interval", "restart"} | its_own


def test_what_interrupts_or_switches_wants_a_confirmation_and_a_technician_at_least() -> None:
    assert {name for name, kind in CATALOGUE.items() if kind.needs_confirmation} == {"restart", "set_relay"}
    for kind in CATALOGUE.values():
        assert kind.least_role.includes(Role.TECHNICIAN)
        assert timedelta(seconds=30) <= kind.valid_for <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("command", "given", "sent"),
    [
        ("restart", {}, {}),
        ("identify", {}, {"seconds": 10}),
        ("identify", {"seconds": 600}, {"seconds": 600}),
        ("set_active_power_limit", {"limit_kw": 0}, {"limit_kw": 0.0}),
        ("set_active_power_limit", {"limit_kw": 2.5}, {"limit_kw": 2.5}),
        ("set_relay", {"closed": False}, {"relay": 1, "closed": False}),
        ("set_relay", {"closed": True, "relay": 2}, {"relay": 2, "closed": True}),
    ],
)
def test_parameters_are_taken_as_the_catalogue_says(
    command: str, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    checked = checked_parameters(CATALOGUE[command], given)
    assert checked == sent
    assert list(map(type, checked.values())) == list(map(type, sent.values()))


@pytest.mark.parametrize(
    ("command", "given", "parameter", "allowed"),
    [
        ("restart", {"now": True}, "now", "No parameter of restart; allowed: none"),
        ("identify", {"second": 1}, "second", "No parameter of identify; allowed: seconds"),
        ("identify", {"seconds": 0}, "seconds", "A whole number from 1 to 600 s"),
        ("identify", {"seconds": 601}, "seconds", "A whole number from 1 to 600 s"),
        ("identify", {"seconds": 1.5}, "seconds", "A whole number from 1 to 600 s"),
        ("identify", {"seconds": True}, "seconds", "A whole number from 1 to 600 s"),
        ("set_active_power_limit", {}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": None}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": -0.1}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": math.nan}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": 10**400}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": "5"}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_active_power_limit", {"limit_kw": [5]}, "limit_kw", "A number from 0 to 10000 kW"),
        ("set_relay", {"closed": 1}, "closed", "true or false"),
        ("set_relay", {"closed": "true"}, "closed", "true or false"),
    ],
)
def test_a_parameter_that_will_not_do_is_named_with_what_is_allowed(
    command: str, given: dict[str, Any], parameter: str, allowed: str
) -> None:
    with pytest.raises(ParameterRefusedError) as refused:
        checked_parameters(CATALOGUE[command], given)
    assert (refused.value.parameter, str(refused.value)) == (parameter, allowed)


def test_a_choice_is_one_of_a_few() -> None:
    assert checked_parameters(ECO, {"mode": "eco"}) == {"mode": "eco"}
    for given in ("off", 1, ["eco"], {"eco": 1}):
        with pytest.raises(ParameterRefusedError, match="One of eco, full"):
            checked_parameters(ECO, {"mode": given})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "number"},
        {"type": "integer", "minimum": 1},
        {"type": "boolean", "minimum": 0, "maximum": 1},
        {"type": "choice"},
        {"type": "boolean", "choices": ["yes"]},
        {"type": "number", "minimum": 0, "maximum": 1, "step": 1},
    ],
)
def test_a_parameter_without_bounds_does_not_get_into_the_catalogue(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parameter.model_validate({"name": "level", "description": "For the test.", **fields})
