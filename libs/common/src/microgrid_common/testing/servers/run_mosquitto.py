"""A real Mosquitto broker for tests."""

import getpass
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from microgrid_common.testing.servers.backend import ServerNotReadyError, ServerRecipe
from microgrid_common.testing.servers.running import BackendChoice, Server, run

MOSQUITTO_IMAGE = "eclipse-mosquitto:2"

# MQTT 3.1.1: CONNECT with a clean session, keep-alive 10 s, client id "ready"; CONNACK accepted; DISCONNECT.
_CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05ready"
_CONNACK = b"\x20\x02\x00\x00"
_DISCONNECT = b"\xe0\x00"
_PROBE_SECONDS = 5.0

_CONTAINER_PORT = 1883
_CONTAINER_DATA = "/mosquitto/data"
_DATABASE = "mosquitto.db"
_SAVING = "Saving in-memory database"
_SAVE_SECONDS = 30.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Mosquitto(Server):
    """A running Mosquitto that speaks MQTT 3.1.1 and 5 on one port, without a login."""

    @property
    def url(self) -> str:
        """Address as `mqtt://host:port`."""
        return f"mqtt://{self.host}:{self.port}"

    def save(self) -> None:
        """Write sessions, queued and retained messages to disk now, so that they survive `kill`.

        Without this, Mosquitto saves once a second, and `kill` may lose what came since.
        """
        saves = self.log().count(_SAVING)
        self.backend.signal(signal.SIGUSR1)
        deadline = time.monotonic() + _SAVE_SECONDS
        while self.log().count(_SAVING) == saves:
            if time.monotonic() > deadline:
                raise ServerNotReadyError("mosquitto did not save its database")
            time.sleep(_POLL_SECONDS)
        # The line comes before the write, and the broker answers nothing in between.
        _is_ready(self.host, self.port)

    def reset(self) -> None:
        """Forget every session, queued and retained message; clients are disconnected."""
        self.kill()
        self.backend.empty_file(_DATABASE)
        self.start()


@contextmanager
def mosquitto(
    *,
    max_queued_messages: int = 60_000,
    max_inflight_messages: int = 1_000,
    more_settings: Sequence[str] = (),
    backend: BackendChoice | None = None,
    network: str | None = None,
) -> Iterator[Mosquitto]:
    """Run a Mosquitto broker.

    Args:
        max_queued_messages: Messages kept for one session beyond those in flight. Mosquitto 2.0 never
            drains a session with more than 65,535.
        max_inflight_messages: Messages sent to one client and not acknowledged; a client of MQTT 5 may
            ask for fewer. 0 means no limit.
        more_settings: Lines to add to the configuration file.
        backend: How to run it; None takes it from MICROGRID_TEST_SERVERS.
        network: Network of containers that it joins under its name, where it is a container.
    """
    settings = (
        "allow_anonymous true",
        "persistence true",
        "autosave_interval 1",
        f"max_queued_messages {max_queued_messages}",
        "max_queued_bytes 0",
        f"max_inflight_messages {max_inflight_messages}",
        "set_tcp_nodelay true",
        "sys_interval 1",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_type information",
        *more_settings,
    )

    def process_command(program: Path, port: int, data: Path) -> list[str]:
        configuration = data / "mosquitto.conf"
        # Started by root, Mosquitto would become another user, who may not write into our directory.
        user = getpass.getuser()
        lines = _lines(
            f"listener {port} 127.0.0.1", f"user {user}", f"persistence_location {data}/", *settings
        )
        configuration.write_text(lines)
        return [str(program), "-c", str(configuration)]

    recipe = ServerRecipe(
        name="mosquitto",
        image=MOSQUITTO_IMAGE,
        container_port=_CONTAINER_PORT,
        container_data=_CONTAINER_DATA,
        container_files={
            "/mosquitto/config/mosquitto.conf": _lines(
                f"listener {_CONTAINER_PORT}", f"persistence_location {_CONTAINER_DATA}/", *settings
            )
        },
        container_network=network,
        program="mosquitto",
        process_command=process_command,
        is_ready=_is_ready,
    )
    with run(recipe, backend) as running:
        yield Mosquitto(host=running.host, port=running.port, backend=running)


def _lines(*settings: str) -> str:
    return "\n".join((*settings, "log_dest stderr", ""))


def _is_ready(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=_PROBE_SECONDS) as connection:
        connection.sendall(_CONNECT)
        answer = connection.recv(len(_CONNACK))
        connection.sendall(_DISCONNECT)
    return answer == _CONNACK
