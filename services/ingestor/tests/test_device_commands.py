"""`microgrid-ingestor devices …` as a person and as a program use it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.device import Device
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_ingestor import device_commands
from microgrid_ingestor.__main__ import application

METER = {"grid_id": "village-1", "device_id": "meter-1", "device_type": "meter", "component": "feeder-1"}
GATEWAY = {"grid_id": "village-1", "device_id": "gateway-1", "expected_interval_seconds": 60}
ELSEWHERE = {"grid_id": "village-2", "device_id": "meter-1"}


@pytest.fixture(autouse=True)
def _registry_in_memory(monkeypatch: pytest.MonkeyPatch, registry: FakeDeviceRegistry) -> None:
    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[FakeDeviceRegistry]:
        yield registry

    monkeypatch.setattr(device_commands, "open_device_registry", opened)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["devices", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.json"
    path.write_text(json.dumps([METER, GATEWAY, ELSEWHERE]))
    return path


def registered(registry: FakeDeviceRegistry) -> list[Device]:
    return list(asyncio.run(registry.snapshot()).devices.values())


def test_a_file_is_taken_in_and_can_be_taken_in_again(file: Path, registry: FakeDeviceRegistry) -> None:
    for _ in range(2):
        result = run("import", str(file))
        assert (result.exit_code, result.output) == (0, "3 devices registered.\n")
    assert registered(registry) == [Device.model_validate(each) for each in (METER, GATEWAY, ELSEWHERE)]


def test_what_is_listed_as_json_can_be_imported(file: Path) -> None:
    run("import", str(file))
    listed = json.loads(run("list", "--json").stdout)
    assert listed == [GATEWAY, METER, ELSEWHERE]
    file.write_text(json.dumps(listed))
    assert run("import", str(file)).exit_code == 0


def test_the_list_shows_a_grid_or_all(file: Path) -> None:
    run("import", str(file))
    shown = run("list", "--grid", "village-1").output
    assert "feeder-1" in shown
    assert "60 s" in shown
    assert "village-2" not in shown
    assert "village-2" in run("list").output


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "file"),
        ("{}", "file"),
        (json.dumps([METER, {"grid_id": "village-1"}]), "1.device_id"),
        (json.dumps([{**METER, "colour": "red"}]), "0.colour"),
        (json.dumps([METER, METER]), "village-1/meter-1"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_whole_and_says_where(
    file: Path, registry: FakeDeviceRegistry, content: str, problem: str
) -> None:
    file.write_text(content)
    result = run("import", str(file))
    assert result.exit_code == 2
    assert problem in result.output
    assert registered(registry) == []


def test_a_registry_that_is_away_is_said_to_be(file: Path, registry: FakeDeviceRegistry) -> None:
    registry.fail_next(RetryableError("redis: nobody answers"))
    result = run("import", str(file))
    assert result.exit_code == 3
    assert "nobody answers" in result.output
