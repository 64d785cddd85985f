"""What a machine must have before anything is started on it: room on its disk, and free ports."""

import errno
import shutil
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LEAST_FREE_BYTES: Final = 500 * 10**6

_PORTS: Final = {"MICROGRID_HTTPS_PORT": "8443", "MICROGRID_MQTTS_PORT": "8883"}
_GRAFANA_PORT: Final = {"MICROGRID_GRAFANA_PORT": "3000"}
_HIGHEST_PORT: Final = 65_535


class NotReadyError(RuntimeError):
    """Something has to be done on this machine first; the message says what."""


def require_disk(folder: Path) -> None:
    """Refuse to start on a disk that is full, or soon will be.

    Raises:
        NotReadyError: the disk of the folder has less than half a gigabyte free.
    """
    if (free := shutil.disk_usage(folder).free) < LEAST_FREE_BYTES:
        needed = f"at least {LEAST_FREE_BYTES // 10**6} are needed"
        raise NotReadyError(f"the disk of {folder} has {free // 10**6} MB free, {needed}")


@dataclass(frozen=True, slots=True)
class Port:
    """Where a container is to be reached."""

    setting: str
    """The name of the setting that says its number."""
    address: str
    number: int
    """0 lets Docker take a free one."""


def wanted_ports(settings: Mapping[str, str]) -> list[Port]:
    """The ports of this machine that the system is to listen on.

    Raises:
        NotReadyError: a setting is no port.
    """
    address = settings.get("MICROGRID_BIND", "127.0.0.1")
    wanted = [(name, address, default) for name, default in _PORTS.items()]
    if "observability" in settings.get("COMPOSE_PROFILES", ""):
        wanted += [(name, "127.0.0.1", default) for name, default in _GRAFANA_PORT.items()]
    return [
        Port(name, host, _port_number(name, settings.get(name, default))) for name, host, default in wanted
    ]


def _port_number(name: str, told: str) -> int:
    if not (told.isascii() and told.isdigit() and int(told) <= _HIGHEST_PORT):
        raise NotReadyError(f"{name} is {told!r}, and has to be a number from 0 to {_HIGHEST_PORT}")
    return int(told)


def require_free(ports: Sequence[Port], ours: Collection[int]) -> None:
    """Refuse ports that somebody else listens on.

    Args:
        ports: that are wanted.
        ours: that this system listens on already.

    Raises:
        NotReadyError: a port is taken, or the address is not of this machine.
    """
    for port in ports:
        if port.number not in ours:
            _require_free_port(port)


def _require_free_port(port: Port) -> None:
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        # What is just closing does not count, as it does not for Docker.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((port.address, port.number))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                way_out = f"end it, or set {port.setting} in deploy/compose/settings.env"
                raise NotReadyError(f"port {port.number} is taken by another program: {way_out}") from None
            if error.errno == errno.EADDRNOTAVAIL:
                raise NotReadyError(
                    f"{port.address} (MICROGRID_BIND) is no address of this machine"
                ) from None
            # Such as a port below 1024, which Docker may open where we may not.
