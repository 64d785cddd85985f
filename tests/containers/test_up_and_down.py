"""`make up`, again, and after `make down`: what it leaves behind, and what it leaves alone."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from deploy.compose.restore_command import what_is_there
from tests.containers.running_system import (
    ADMINISTRATOR,
    ANSWER_SECONDS,
    GRID,
    PASSWORD,
    ConnectedDevice,
    System,
    port_of,
    running,
    skip_without_images,
    telemetry,
)

from microgrid_common.testing.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SERVICES = {"mosquitto", "redis", "influxdb", "ingestor", "alert-engine", "notifier", "api", "proxy"}
HEALTHY_WITHIN_SECONDS = 60
"""What is promised of a machine that has the images; two cores with other work take 14 to 27."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of its own: it is taken down in between."""
    skip_without_images()
    with running(tmp_path_factory.mktemp("state"), f"microgrid-test-{uuid4().hex[:8]}") as started:
        yield started


def all_containers(system: System) -> list[dict[str, Any]]:
    """Those that ended, too, and those of single commands."""
    label = f"label=com.docker.compose.project={system.deployment.project}"
    listed = ("docker", "ps", "--all", "--quiet", "--filter", label)
    ids = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    shown = subprocess.run(("docker", "inspect", *ids), check=True, capture_output=True, text=True).stdout
    found: list[dict[str, Any]] = json.loads(shown)
    return found


def what_runs(system: System) -> set[tuple[str, str]]:
    return {(container["Name"], container["State"]["StartedAt"]) for container in all_containers(system)}


def test_there_is_one_healthy_container_of_each_service_and_no_other(own: System) -> None:
    found = all_containers(own)
    states = {container["State"].get("Health", {}).get("Status") for container in found}
    assert states == {"healthy"}
    names = [container["Config"]["Labels"]["com.docker.compose.service"] for container in found]
    assert sorted(names) == sorted(SERVICES)


def test_a_restore_sees_that_it_runs(own: System) -> None:
    assert set(what_is_there(own.deployment.project)) == {
        container["Name"].removeprefix("/") for container in all_containers(own)
    }
    assert what_is_there("microgrid-of-nobody") == []


def test_every_container_is_held_within_memory_cores_processes_and_log(own: System) -> None:
    for container in all_containers(own):
        host = container["HostConfig"]
        assert 0 < host["Memory"] <= 2**30, container["Name"]
        assert host["NanoCpus"] == 10**9, container["Name"]
        assert host["PidsLimit"] == 200, container["Name"]
        log = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
        assert host["LogConfig"] == log, container["Name"]


def test_replicas_come_and_go_and_the_others_stay(own: System) -> None:
    one = what_runs(own)
    own.deployment.start("--scale", "api=2")
    two = what_runs(own)
    assert one < two
    assert len(two) == len(one) + 1
    own.deployment.start("--scale", "api=2")
    assert what_runs(own) == two
    own.deployment.start()
    assert what_runs(own) == one


def test_what_an_interrupted_start_left_behind_is_gone_after_the_next(own: System) -> None:
    before = what_runs(own)
    # As when Ctrl-C came while a command of the set-up ran.
    arguments = own.deployment.run_at_store("setup")
    own.deployment.compose(*(argument for argument in arguments if argument != "--rm"))
    assert before < what_runs(own)
    own.deployment.start()
    assert what_runs(own) == before


async def test_what_is_stored_is_there_after_down_and_up(
    own: System, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async def stored(system: System) -> list[float]:
        async with system.as_user(ADMINISTRATOR, PASSWORD) as administrator:
            answer = await administrator.get(f"/api/historical/{GRID}/consumption_kw?period=1h")
            return [point["value"] for point in answer.raise_for_status().json()["points"]]

    with ConnectedDevice(own, tmp_path, "meter-1") as meter:
        assert meter.publish(meter.topic("telemetry"), telemetry(7.25)) == "Success"
    await wait_until(lambda: stored(own), timeout=ANSWER_SECONDS, description="the stored reading")

    own.deployment.compose("down")
    begun = time.monotonic()
    own.deployment.start()
    seconds = time.monotonic() - begun
    record_property("seconds until all is healthy", round(seconds))
    again = System(
        own.deployment, port_of(own.deployment, "proxy", 8443), port_of(own.deployment, "mosquitto", 8883)
    )
    assert await stored(again) == [7.25]
    with ConnectedDevice(again, tmp_path, "meter-1"):
        pass
    assert seconds < HEALTHY_WITHIN_SECONDS
