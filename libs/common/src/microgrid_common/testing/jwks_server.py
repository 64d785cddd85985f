"""A server of signing keys, and the tokens that are signed with them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey


@cache
def signing_key(key_id: str) -> RSAKey:
    """A private key; the same for the same name, since making one takes a while."""
    return RSAKey.generate_key(2048, {"kid": key_id, "use": "sig", "alg": "RS256"})


def signed(claims: Mapping[str, Any], key: RSAKey, **header: Any) -> str:
    """A token."""
    return jwt.encode({"alg": "RS256", "kid": key.kid, **header}, dict(claims), key, default_type=None)


@dataclass
class JwksServer:
    """Serves the public halves of its keys, unless told otherwise."""

    keys: list[RSAKey] = field(default_factory=lambda: [signing_key("one"), signing_key("two")])
    status: int = 200
    document: bytes | None = None
    """What to answer instead."""
    asked: int = 0
    """How many requests have come."""
    held: asyncio.Event | None = None
    """Whoever asks has to wait until it is set."""
    url: str = ""

    async def handle(self, _: web.Request) -> web.Response:
        """Answer a request for the keys."""
        self.asked += 1
        if self.held is not None:
            await self.held.wait()
        if self.document is not None:
            return web.Response(body=self.document, status=self.status)
        keys = [key.as_dict(private=False) for key in self.keys]
        return web.json_response({"keys": keys}, status=self.status)


@asynccontextmanager
async def jwks_server() -> AsyncIterator[JwksServer]:
    """Serve keys on the loopback interface while the block runs."""
    server = JwksServer()
    application = web.Application()
    application.router.add_get("/jwks.json", server.handle)
    async with served(application) as address:
        server.url = f"{address}/jwks.json"
        yield server


@asynccontextmanager
async def served(application: web.Application) -> AsyncIterator[str]:
    """Serve an application on a port that the system chooses; gives its address."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
