"""Where the API listens."""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_address

_UNSENT_LIMIT_MILLISECONDS = 30_000
"""How long a client that reads nothing may keep its connection.

Longer than any pause of a working mobile link; without it the kernel holds data for such a client for ever.
"""


class CannotListenError(Exception):
    """The API cannot listen where it was told to; the message is one line for the operator."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`.

    Args:
        host: an address, or `localhost`; every other name may point anywhere, now or later.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address that `host` stands for, on the same port.

    Args:
        host: an address or a name; `localhost` is 127.0.0.1 and, where there is IPv6, ::1.
        port: 0 takes a free one.

    Raises:
        CannotListenError: the port is in use, or the host is not one of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListenError(f"cannot listen on MICROGRID_API_HOST={host!r}: {error}") from error
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, _, _, _, address in dict.fromkeys(found):
            try:
                listener = _listen_on(family, str(address[0]), port)
            except OSError as error:
                if sockets and error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    continue  # `localhost` names ::1 also on a machine without IPv6
                raise _explained(error, host, port) from error
            sockets.append(opened.enter_context(listener))
            port = listener.getsockname()[1]
        opened.pop_all()
        return sockets


def only_loopback(sockets: Sequence[socket.socket]) -> bool:
    """Whether only this machine can reach any of `sockets`."""
    return all(is_loopback(str(listener.getsockname()[0])) for listener in sockets)


def addresses(sockets: Sequence[socket.socket]) -> list[str]:
    """The URLs under which `sockets` are reached."""
    urls = []
    for listener in sockets:
        host, port = listener.getsockname()[:2]
        urls.append(
            f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
        )
    return urls


def _listen_on(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), family=family, backlog=1024)
    listener.setblocking(False)  # noqa: FBT003 - the standard library takes it by position
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_LIMIT_MILLISECONDS)
    # Connections inherit it. asyncio sets it only where a socket names its protocol, which these do not; then
    # the body of each answer waits 40 ms for the client's system to acknowledge the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _explained(error: OSError, host: str, port: int) -> CannotListenError:
    match error.errno:
        case errno.EADDRINUSE:
            return CannotListenError(
                f"port {port} on {host} is in use; set MICROGRID_API_PORT to another one"
            )
        case errno.EACCES:
            return CannotListenError(
                f"port {port} on {host} needs more rights; set MICROGRID_API_PORT to 1024 or above"
            )
        case errno.EADDRNOTAVAIL:
            return CannotListenError(f"MICROGRID_API_HOST={host!r} is not an address of this machine")
        case _:
            return CannotListenError(f"cannot listen on {host!r}, port {port}: {error}")
