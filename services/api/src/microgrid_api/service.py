"""Running the API: the server, and the feed behind its live values."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import structlog
import uvicorn
from fastapi import FastAPI

from microgrid_api.app import LONGEST_SHELVING, create_app
from microgrid_api.identity.prototype import PrototypeIdentity
from microgrid_api.live.feed import LiveFeed
from microgrid_api.ports import ApiPorts
from microgrid_api.web.listening import CannotListenError, addresses, listen, only_loopback
from microgrid_api.web.open_files import make_room_for
from microgrid_common.runtime.tasks import cancel_until_ended

_SHUTDOWN_SECONDS = 1
"""How long open requests may take once the service stops; with uvicorn's own ticks it stays below 2 s."""


async def run(
    ports: ApiPorts,
    *,
    host: str,
    port: int,
    stream_shards: int,
    cors_origins: Iterable[str] = (),
    trusted_proxies: Sequence[str] = (),
    live_clients_limit: int = 2_000,
    longest_shelving: timedelta = LONGEST_SHELVING,
    hsts_seconds: int = 0,
    user_requests_per_second: float = 0,
    address_requests_per_second: float = 0,
    stop: asyncio.Event,
) -> None:
    """Serve the API until `stop` is set.

    It starts also while the stores are away, and says so by 503 until they are back.

    Args:
        ports: what it needs from outside.
        host: the address to listen on; loopback only where the sign-in is the prototype's.
        port: the TCP port; 0 takes a free one.
        stream_shards: into how many streams the readings are divided.
        cors_origins: web origins whose pages may call it.
        trusted_proxies: addresses and networks of the proxies that are believed about who calls.
        live_clients_limit: how many live connections may be open at once.
        longest_shelving: for how long an operator may put an alarm aside at once.
        hsts_seconds: for how long browsers are told to come by HTTPS alone; 0: they are not told.
        user_requests_per_second: of each user, ten times as many at once; 0: any number.
        address_requests_per_second: of each address, likewise.
        stop: ends it within two seconds.

    Raises:
        CannotListenError: the port is in use, or the host is not of this machine, or not loopback
            where it has to be.
    """
    make_room_for(live_clients_limit)
    with ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(listener) for listener in listen(host, port)]
        if isinstance(ports.identity, PrototypeIdentity) and not only_loopback(sockets):
            raise CannotListenError(
                f"MICROGRID_API_HOST={host!r} is not loopback, where alone the prototype sign-in is allowed"
            )
        feed = LiveFeed(log=ports.log, telemetry=ports.telemetry, stream_shards=stream_shards)
        app = create_app(
            ports,
            feed=feed,
            cors_origins=cors_origins,
            live_clients_limit=live_clients_limit,
            longest_shelving=longest_shelving,
            hsts_seconds=hsts_seconds,
            user_requests_per_second=user_requests_per_second,
            address_requests_per_second=address_requests_per_second,
        )
        server = _EmbeddedServer(_uvicorn_config(app, trusted_proxies))
        async with asyncio.TaskGroup() as group:
            following = group.create_task(feed.run(), name="api-live-feed")
            serving = group.create_task(server.serve(sockets=sockets), name="api-server")
            structlog.get_logger().info("api_listening", addresses=addresses(sockets))
            await stop.wait()
            app.state.context.live_clients.sent_away.set()
            server.should_exit = True
            await serving
            await cancel_until_ended([following])


class _EmbeddedServer(uvicorn.Server):
    """A server that leaves the signals of the process alone: they are its caller's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _uvicorn_config(app: FastAPI, trusted_proxies: Sequence[str]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        # A line for each request would carry the token of a live connection's address into the log.
        access_log=False,
        server_header=False,
        # An address that a client claims for itself would get around the limit on wrong passwords.
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        ws_max_size=16 * 1024,
        # Its buffers would be most of the memory of a connection, for messages of a few hundred bytes.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
