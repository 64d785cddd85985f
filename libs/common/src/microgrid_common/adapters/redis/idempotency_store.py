"""Answers under keys in Redis: `idempotency:{key}`, JSON, which goes by itself."""

import base64
import json
from typing import Any, cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.idempotency_store import (
    ANSWERED_WITHIN,
    KEPT_FOR,
    KeptAnswer,
    KeyedRequest,
    KeyReusedError,
    StillAnsweringError,
)


class RedisIdempotencyStore:
    """Implements `IdempotencyStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def begin(self, request: KeyedRequest) -> KeptAnswer | None:
        """As `IdempotencyStore.begin`."""
        begun = json.dumps({"content": request.content})
        with redis_errors():
            found = cast(
                "bytes | None",
                await self._client.set(_name(request), begun, nx=True, get=True, px=ANSWERED_WITHIN),
            )
        if found is None:
            return None
        known = json.loads(found)
        if known["content"] != request.content:
            raise KeyReusedError
        if "status" not in known:
            raise StillAnsweringError
        return _answer(known)

    async def finish(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """As `IdempotencyStore.finish`."""
        kept = {
            "content": request.content,
            "status": answer.status,
            "headers": answer.headers,
            "body": base64.b64encode(answer.body).decode(),
        }
        with redis_errors():
            await self._client.set(_name(request), json.dumps(kept), px=KEPT_FOR)

    async def give_up(self, request: KeyedRequest) -> None:
        """As `IdempotencyStore.give_up`."""
        with redis_errors():
            await self._client.delete(_name(request))


def _name(request: KeyedRequest) -> str:
    return f"idempotency:{request.key}"


def _answer(known: dict[str, Any]) -> KeptAnswer:
    return KeptAnswer(
        status=known["status"],
        headers=tuple((name, value) for name, value in known["headers"]),
        body=base64.b64decode(known["body"]),
    )
