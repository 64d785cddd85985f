"""What the running monitor offers to tests, beyond what the guide's example shows."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from microgrid_common.testing.servers import Mosquitto, ServerUnavailableError
from microgrid_common.testing.servers.running import why_no_container
from microgrid_common.testing.system import MicrogridSystem, PublishingFailedError, microgrid_system
from microgrid_common.testing.system import running as running_module
from microgrid_common.testing.system.publishing import publish
from microgrid_common.testing.system.services import IMAGE_VARIABLE, Service
from microgrid_common.testing.system.together import enter_together
from microgrid_common.testing.waiting import free_port, wait_until

NO_IMAGE = "microgrid.invalid/none:0"


@pytest.fixture(scope="module")
def system() -> Iterator[MicrogridSystem]:
    """By processes: an image may be older than what is here."""
    try:
        with microgrid_system(backend="process") as started:
            yield started
    except ServerUnavailableError as error:
        pytest.skip(f"NOT tested on the running monitor: {error}")


def test_a_machine_that_cannot_run_it_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "SERVICES", (Service("api", "microgrid_not_there.api", 1),))
    monkeypatch.setattr(running_module, "why_no_container", lambda image: f"no {image} to be had")
    monkeypatch.setenv(IMAGE_VARIABLE, NO_IMAGE)
    with (
        pytest.raises(
            ServerUnavailableError, match=f"no {NO_IMAGE} to be had, and the packages microgrid-not"
        ),
        microgrid_system(backend="auto"),
    ):
        pass


def test_what_was_started_ends_when_another_part_fails() -> None:
    told: list[str] = []

    @contextmanager
    def part(name: str, *, fails: bool = False) -> Iterator[str]:
        if fails:
            raise OSError(f"{name} fails")
        try:
            yield name
        finally:
            told.append(f"{name} ended")

    with pytest.raises(OSError, match="two fails"), ExitStack() as stack:
        enter_together(stack, part("one"), part("two", fails=True), part("three"))
    assert sorted(told) == ["one ended", "three ended"]


def test_publishing_to_nobody_says_so() -> None:
    with pytest.raises(PublishingFailedError, match="does not answer"):
        publish("127.0.0.1", free_port(), "microgrid/village-1/device/meter-1/telemetry", "{}")


@pytest.mark.integration
def test_publishing_without_an_ingestor_says_so(mosquitto_server: Mosquitto) -> None:
    mosquitto_server.reset()
    with pytest.raises(PublishingFailedError, match="no ingestor is there"):
        publish(mosquitto_server.host, mosquitto_server.port, "microgrid/village-1/device/m/telemetry", "{}")


@pytest.mark.integration
def test_waiting_in_vain_says_what_there_is_instead(system: MicrogridSystem, microgrid_grid: str) -> None:
    system.publish(microgrid_grid, "meter-1", consumption_kw=15.0)
    system.wait_for_alarm(microgrid_grid, device_id="meter-1")
    system.wait_for_value(microgrid_grid, "consumption_kw", 15.0)
    with pytest.raises(AssertionError, match=r"active: \['load-abnormality of meter-1'\]"):
        system.wait_for_alarm(microgrid_grid, rule_id="battery-soc-low", timeout=0)
    with pytest.raises(AssertionError, match=r"stored: \[15\.0\]"):
        system.wait_for_value(microgrid_grid, "consumption_kw", 16.0, timeout=0)


@pytest.mark.integration
def test_what_cannot_be_used_lies_in_quarantine(system: MicrogridSystem, microgrid_grid: str) -> None:
    system.publish_text(f"microgrid/{microgrid_grid}/device/meter-1/telemetry", "not JSON")
    system.publish(microgrid_grid, "meter-1", consumption_kw=1.0)
    system.wait_for_value(microgrid_grid, "consumption_kw", 1.0)
    with system.client() as api:
        [message] = api.get(f"/api/quarantine/{microgrid_grid}").raise_for_status().json()["messages"]
    assert message["device_id"] == "meter-1"


@pytest.mark.integration
def test_nobody_gets_in_without_logging_in(system: MicrogridSystem, microgrid_grid: str) -> None:
    assert httpx.get(f"{system.api_url}/api/alerts/{microgrid_grid}").status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.integration
async def test_the_network_of_a_killed_run_is_removed() -> None:
    if reason := why_no_container("redis:8"):
        pytest.skip(f"networks of containers were NOT tested: {reason}")
    import docker  # noqa: PLC0415 - where there is an engine

    program = (
        "import time\n"
        "from microgrid_common.testing.servers.container import container_network\n"
        "with container_network() as name:\n"
        "    print(name, flush=True)\n"
        "    time.sleep(60)\n"
    )
    run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert run.stdout is not None
    name = (await run.stdout.readline()).decode().strip()
    client = docker.from_env()
    try:
        assert client.networks.list(names=[name])
        run.kill()
        await run.wait()
        await wait_until(
            lambda: not client.networks.list(names=[name]), timeout=30, description="the network to go"
        )
    finally:
        client.close()
