"""What listens in a container, and as whom its processes run, read from `/proc`: no program hides from it."""

import subprocess
from dataclasses import dataclass
from ipaddress import ip_address

_LISTENING, _UNCONNECTED = "0A", "07"
_FIRST_PORT_FOR_QUESTIONS = 32_768
"""From here on the system takes ports for those who ask, such as a name server, and wait for the answer."""

_DOCKERS_NAME_SERVER = "127.0.0.11"
"""In each container's network, put there by Docker."""


@dataclass(frozen=True, order=True, slots=True)
class Listener:
    """A socket that waits for others."""

    protocol: str
    port: int
    reachable: bool
    """From other containers; else from the container itself alone."""


def listeners(container: str) -> set[Listener]:
    """What waits for others in a container."""
    return {
        found
        for protocol, state in (("tcp", _LISTENING), ("udp", _UNCONNECTED))
        for table in (protocol, f"{protocol}6")
        for found in _in_table(_read(container, f"/proc/net/{table}"), protocol, state)
    }


def listening_addresses(table: str, port: int) -> set[str]:
    """The addresses on which somebody listens at a port, in a table such as `/proc/net/tcp`."""
    return {address for address, at, state in _entries(table) if state == _LISTENING and at == port}


def privileges(container: str) -> set[str]:
    """What the processes in a container may do: lines of their `status`, of all of them."""
    # Those of health checks come and go meanwhile.
    command = (
        'for each in /proc/[0-9]*/status; do grep -hsE "^(Uid|CapEff|CapPrm|NoNewPrivs):" $each; done; true'
    )
    return {" ".join(line.split()) for line in _run(container, "sh", "-c", command).splitlines()}


def _in_table(table: str, protocol: str, wanted: str) -> set[Listener]:
    return {
        Listener(protocol, port, reachable=not ip_address(address).is_loopback)
        for address, port, state in _entries(table)
        if state == wanted
        and address != _DOCKERS_NAME_SERVER
        and not (protocol == "udp" and port >= _FIRST_PORT_FOR_QUESTIONS)
    }


def _entries(table: str) -> list[tuple[str, int, str]]:
    lines = [line.split() for line in table.splitlines()[1:]]
    places = [(words[1].partition(":"), words[3]) for words in lines]
    return [(_address(host), int(port, 16), state) for (host, _, port), state in places]


def _address(written: str) -> str:
    # Words of four bytes, each as this machine has them in memory.
    words = [bytes.fromhex(written[start : start + 8])[::-1] for start in range(0, len(written), 8)]
    return str(ip_address(b"".join(words)))


def _read(container: str, file: str) -> str:
    return _run(container, "cat", file)


def _run(container: str, *command: str) -> str:
    call = ("docker", "exec", container, *command)
    return subprocess.run(call, check=True, capture_output=True, text=True, timeout=30).stdout
