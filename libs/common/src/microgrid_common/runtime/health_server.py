"""The small HTTP server of a service that has no other: `/healthz`, `/readyz`, `/metrics`."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from microgrid_common.runtime.exposition import exposition
from microgrid_common.runtime.health import Ping, check_readiness
from microgrid_common.runtime.host_metrics import show_certificates, show_disk


@asynccontextmanager
async def health_server(
    *,
    host: str,
    port: int,
    dependencies: Mapping[str, Ping],
    watched_disk: Path,
    certificates: Collection[Path] = (),
) -> AsyncIterator[None]:
    """Serve health and metrics while the block runs.

    Args:
        host: the address to listen on.
        port: 0 leaves the server out.
        dependencies: what `/readyz` asks, by name.
        watched_disk: a folder; `/metrics` says how full the disk is that it is on, or will be.
        certificates: files of which `/metrics` says when they end.

    Raises:
        OSError: the port is taken.
    """
    if port == 0:
        yield
        return

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_: web.Request) -> web.Response:
        readiness = await check_readiness(dependencies)
        return web.json_response(readiness.as_json(), status=200 if readiness.ready else 503)

    async def metrics(_: web.Request) -> web.Response:
        show_disk(watched_disk)
        show_certificates(certificates)
        figures = await exposition(dependencies)
        return web.Response(body=figures, headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
