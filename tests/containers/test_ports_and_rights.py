"""What listens while everything runs is what docs/operations.md states; no process has rights to spare."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.containers.running_system import System
from tests.containers.sockets import Listener, listeners, listening_addresses, privileges

pytestmark = pytest.mark.integration

HEALTH = Listener("tcp", 8404, reachable=False)
STATED = {
    "mosquitto": {Listener("tcp", 8883, reachable=True), Listener("tcp", 8884, reachable=True)},
    "redis": {Listener("tcp", 6379, reachable=True)},
    "influxdb": {Listener("tcp", 8086, reachable=True)},
    "ingestor": {Listener("tcp", 8001, reachable=True)},
    "alert-engine": {Listener("tcp", 8002, reachable=True)},
    "notifier": {Listener("tcp", 8003, reachable=True)},
    "api": {Listener("tcp", 8000, reachable=True)},
    "proxy": {Listener("tcp", 8443, reachable=True), HEALTH},
}
PUBLISHED = {"mosquitto": ["8883/tcp"], "proxy": ["8443/tcp"]}


@pytest.fixture(scope="module")
def containers(system: System) -> Mapping[str, str]:
    """Service → the id of its container."""
    form = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}}'
    services: dict[str, str] = {}
    for line in system.containers(form):
        service, _, container = line.partition(" ")
        services[service] = container
    return services


def test_no_port_but_the_stated_ones_listens(containers: Mapping[str, str]) -> None:
    assert {service: listeners(container) for service, container in containers.items()} == STATED


def test_the_table_in_the_documentation_is_this_one() -> None:
    text = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    for service, stated in STATED.items():
        ports = ", ".join(str(each.port) for each in sorted(stated) if each.reachable)
        assert f"| `{service}` | {ports} |" in text


def test_two_ports_are_published_and_on_loopback_alone(system: System) -> None:
    service = '{{json (index .Config.Labels "com.docker.compose.service")}}'
    lines = system.containers(f"[{service}, {{{{json .NetworkSettings.Ports}}}}]")
    found = dict(json.loads(line) for line in lines)
    published = {service: [port for port, to in ports.items() if to] for service, ports in found.items()}
    assert {service: ports for service, ports in published.items() if ports} == PUBLISHED
    addresses = {to["HostIp"] for ports in found.values() for bound in ports.values() for to in bound or ()}
    assert addresses == {"127.0.0.1"}
    for port in (system.https_port, system.mqtts_port):
        for table in ("tcp", "tcp6"):
            assert listening_addresses(Path(f"/proc/net/{table}").read_text(), port) <= {"127.0.0.1"}


def test_no_process_is_root_or_can_become_it(containers: Mapping[str, str]) -> None:
    for service, container in containers.items():
        found = privileges(container)
        users = {word for line in found if line.startswith("Uid:") for word in line.split()[1:]}
        assert users, service
        assert "0" not in users, service
        rest = {line for line in found if not line.startswith("Uid:")}
        assert rest == {"CapEff: 0000000000000000", "CapPrm: 0000000000000000", "NoNewPrivs: 1"}, service
