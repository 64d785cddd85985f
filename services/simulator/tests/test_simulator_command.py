"""The command line: what it takes, what it refuses, and what it never shows."""

from collections.abc import Sequence

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from microgrid_simulator import __main__ as command
from microgrid_simulator.settings import SimulatorSettings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[SimulatorSettings]:
    """The settings that it was started with."""
    settings: list[SimulatorSettings] = []

    async def remember(checked: SimulatorSettings, *_: object) -> None:
        settings.append(checked)

    monkeypatch.setattr(command, "_simulate", remember)
    # Logging would go on writing to the runner's output, which ends with the command.
    monkeypatch.setattr(command, "configure_logging", lambda **_: None)
    return settings


def invoke(arguments: Sequence[str]) -> Result:
    application = Typer()
    application.command()(command._command)
    return CliRunner().invoke(application, arguments)


def test_without_options_it_is_the_prototype_every_five_seconds(started: list[SimulatorSettings]) -> None:
    assert invoke([]).exit_code == 0
    assert (started[0].simulator_profile, started[0].simulator_interval_seconds) == ("prototype", 5.0)
    assert str(started[0].mqtt_url).startswith("mqtt://127.0.0.1:1883")


def test_an_option_counts_more_than_the_environment(
    started: list[SimulatorSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROGRID_SIMULATOR_PROFILE", "village")
    monkeypatch.setenv("MICROGRID_SIMULATOR_INTERVAL_SECONDS", "60")
    assert invoke(["--interval", "0.5"]).exit_code == 0
    assert (started[0].simulator_profile, started[0].simulator_interval_seconds) == ("village", 0.5)


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (["--interval", "0"], "MICROGRID_SIMULATOR_INTERVAL_SECONDS"),
        (["--interval", "-5"], "MICROGRID_SIMULATOR_INTERVAL_SECONDS"),
        (["--interval", "nan"], "MICROGRID_SIMULATOR_INTERVAL_SECONDS"),
        (["--interval", "inf"], "MICROGRID_SIMULATOR_INTERVAL_SECONDS"),
        (["--broker", "http://device:horse@broker"], "MICROGRID_MQTT_URL"),
        (["--broker", "mqtt://device:horse@broker:99999"], "MICROGRID_MQTT_URL"),
        (["--broker", "broker"], "MICROGRID_MQTT_URL"),
        (["--count", "0"], "--count"),
        (["--profile", "city"], "--profile"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name_and_without_a_password(
    started: list[SimulatorSettings], arguments: list[str], setting: str
) -> None:
    result = invoke(arguments)
    assert result.exit_code == 2
    assert setting in result.output
    assert "horse" not in result.output
    assert started == []
