"""What keeps `make up` from starting is said before anything starts, with the way out of it."""

import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from deploy.compose.machine import NotReadyError, Port, require_disk, require_free, wanted_ports
from deploy.compose.one_at_a_time import BusyError, one_at_a_time


def test_a_port_that_another_program_has_is_named_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Port("MICROGRID_HTTPS_PORT", "127.0.0.1", other.getsockname()[1])
        with pytest.raises(NotReadyError, match=rf"{taken.number} is taken .* MICROGRID_HTTPS_PORT"):
            require_free([taken], ours=[])
        require_free([taken], ours=[taken.number])
        require_free([Port("MICROGRID_HTTPS_PORT", "127.0.0.1", 0)], ours=[])


def test_an_address_of_another_machine_is_named_with_its_setting() -> None:
    with pytest.raises(NotReadyError, match=r"192\.0\.2\.1 \(MICROGRID_BIND\)"):
        require_free([Port("MICROGRID_HTTPS_PORT", "192.0.2.1", 0)], ours=[])


def test_the_ports_are_those_of_the_settings() -> None:
    assert wanted_ports({}) == [
        Port("MICROGRID_HTTPS_PORT", "127.0.0.1", 8443),
        Port("MICROGRID_MQTTS_PORT", "127.0.0.1", 8883),
    ]
    told = {"MICROGRID_BIND": "0.0.0.0", "MICROGRID_MQTTS_PORT": "1", "COMPOSE_PROFILES": "observability"}
    assert wanted_ports(told)[1:] == [
        Port("MICROGRID_MQTTS_PORT", "0.0.0.0", 1),
        Port("MICROGRID_GRAFANA_PORT", "127.0.0.1", 3000),
    ]


@pytest.mark.parametrize("told", ["", "https", "-1", "65536", "8443-8445", "²"])
def test_what_is_no_port_is_named_with_its_setting(told: str) -> None:
    with pytest.raises(NotReadyError, match="MICROGRID_HTTPS_PORT"):
        wanted_ports({"MICROGRID_HTTPS_PORT": told})


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_disk(tmp_path)
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 12 * 10**6))
    with pytest.raises(NotReadyError, match="12 MB free"):
        require_disk(tmp_path)


def test_a_second_command_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    with one_at_a_time(tmp_path / "state"):
        with pytest.raises(BusyError), one_at_a_time(tmp_path / "state"):
            pass
        with one_at_a_time(tmp_path / "another"):
            pass
    with one_at_a_time(tmp_path / "state"):
        pass


@pytest.mark.integration
def test_a_command_that_is_killed_keeps_nobody_out(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from deploy.compose.one_at_a_time import one_at_a_time\n"
        "with one_at_a_time(pathlib.Path(sys.argv[1])):\n"
        "    print('in', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    call = (sys.executable, "-c", program, str(tmp_path))
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in\n"
        with pytest.raises(BusyError), one_at_a_time(tmp_path):
            pass
        first.kill()
    with one_at_a_time(tmp_path):
        pass
