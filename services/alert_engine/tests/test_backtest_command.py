"""`microgrid-alert-engine backtest` as a person and as a program use it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from microgrid_alert_engine import backtest_command
from microgrid_alert_engine.__main__ import application
from microgrid_alert_engine.backtest_wiring import BacktestPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.device import Device
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

RULE: dict[str, Any] = {
    "rule_id": "battery-low",
    "name": "Battery low",
    "condition": {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
    "severity": "warning",
    "message": "Battery at {battery_soc:.0f} %",
}
DAY = ("--grid", "village-1", "--from", "2026-11-23T00:00Z", "--to", "2026-11-24")


@pytest.fixture
def telemetry() -> FakeTelemetryStore:
    return FakeTelemetryStore()


@pytest.fixture(autouse=True)
def _stores_in_memory(monkeypatch: pytest.MonkeyPatch, telemetry: FakeTelemetryStore) -> None:
    registry = FakeDeviceRegistry()
    readings = [
        sample_reading(
            SAMPLE_TIME + timedelta(minutes=minute),
            grid_id="village-1",
            device_id="battery-1",
            battery_soc=value,
        )
        for minute, value in enumerate([50, 19, 12, 15, 21])
    ]
    asyncio.run(telemetry.write(readings))
    asyncio.run(registry.put([Device(grid_id="village-1", device_id="battery-1")]))

    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[BacktestPorts]:
        yield BacktestPorts(telemetry, registry, FakeLinkStore(FakeDurableLog()))

    monkeypatch.setattr(backtest_command, "open_backtest_ports", opened)


@pytest.fixture
def rule(tmp_path: Path) -> Path:
    path = tmp_path / "rule.json"
    path.write_text(json.dumps(RULE))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["backtest", *arguments], env={"COLUMNS": "140"})


def test_a_person_sees_the_figures_and_the_alarms(rule: Path) -> None:
    result = run(str(rule), *DAY)
    assert result.exit_code == 0
    for shown in ("battery-low on grid village-1", "1, 0.0417 an hour", "2026-11-23 10:01:00", "0:03:00"):
        assert shown in result.stdout
    assert "battery_soc 12" in result.stdout
    assert "Battery at 19 %" in result.stdout


def test_a_program_gets_json(rule: Path) -> None:
    report = json.loads(run(str(rule), *DAY, "--json").stdout)
    assert (report["alarms"], report["readings_judged"]) == (1, 5)
    assert report["episodes"][0]["raised_at"] == "2026-11-23T10:01:00Z"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "file: Invalid JSON"),
        (json.dumps(RULE | {"severity": "loud"}), "severity: "),
        (json.dumps(RULE | {"message": "{nothing}"}), "message: "),
        (json.dumps(RULE | {"condition": {"type": "disconnected"}, "message": "Gone"}), "rule.condition: "),
        (" " * 70_000, "64 KiB"),
    ],
)
def test_a_rule_that_cannot_be_tried_is_wrong_usage(rule: Path, content: str, message: str) -> None:
    rule.write_text(content)
    result = run(str(rule), *DAY)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--grid", "no grid"),
        ("--grid", "village-1", "--from", "yesterday"),
        ("--grid", "village-1", "--from", "2026-11-23", "--to", "2026-11-22"),
        ("--grid", "village-1", "--from", "2026-01-01", "--to", "2026-11-22"),
        (),
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(rule: Path, options: tuple[str, ...]) -> None:
    assert run(str(rule), *options).exit_code == 2


def test_a_store_that_is_away_ends_it(rule: Path, telemetry: FakeTelemetryStore) -> None:
    telemetry.fail_next(RetryableError("the telemetry store is away"))
    result = run(str(rule), *DAY)
    assert (result.exit_code, result.stderr) == (3, "the telemetry store is away\n")
