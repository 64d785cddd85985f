"""A write that is sent twice under one `Idempotency-Key` is made once."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microgrid_api.web.errors import UnavailableError, asking, unavailable_answer
from microgrid_api.web.problems import invalid_request_answer, problem_answer
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.idempotency_store import (
    IdempotencyStore,
    KeptAnswer,
    KeyedRequest,
    KeyReusedError,
    StillAnsweringError,
)
from microgrid_common.ports.identity import Identity, TokenRefusedError

KEY_HEADER: Final = "Idempotency-Key"
REPLAYED_HEADER: Final = "Idempotency-Replayed"
KEY_PATTERN: Final = "^[!-~]{1,128}$"

LARGEST_ANSWER: Final = 256 * 1024
"""Bytes of an answer that is kept: many times what any write gives."""

WRITES: Final = frozenset({"POST", "PUT", "DELETE"})

_LEFT_ALONE: Final = re.compile(r"/api/(login|auth/.*|users/[^/]+/password|device/[^/]+/command)")
"""What gives or takes tokens and passwords, which must not lie about; and commands to devices, which keep the
keys themselves, with the command."""

_NOT_KEPT: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
_STILL_ANSWERING: Final = "This request is being answered right now: ask again in a moment."
_REUSED: Final = "This key was used for another request: take a new one for each"
_ALLOWED: Final = "1 to 128 visible ASCII characters"


def heeds_keys(method: str, path: str) -> bool:
    """Whether a key makes a difference to a request."""
    return method in WRITES and not _LEFT_ALONE.fullmatch(path)


class Idempotency:
    """Gives a request under a key that was used before the answer of that time.

    What failed on this side, and what was refused for coming too fast or without a valid token, is tried
    again. It is as long as the answer is kept that the key counts, and for each user on their own.
    """

    def __init__(self, app: ASGIApp, *, answers: IdempotencyStore, identity: Identity) -> None:
        self._app = app
        self._answers = answers
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not heeds_keys(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        key = headers.get(KEY_HEADER.lower().encode())
        if key is None:
            await self._app(scope, receive, send)
        elif not re.fullmatch(KEY_PATTERN, str(key, "latin-1")):
            await _invalid(scope, _ALLOWED, "invalid_key")(scope, receive, send)
        else:
            try:
                username = await self._caller(headers)
                if username is None:
                    await self._app(scope, receive, send)  # Which refuses it.
                else:
                    await self._once(scope, receive, send, username, key)
            except UnavailableError as error:
                await unavailable_answer(scope, error)(scope, receive, send)

    async def _caller(self, headers: Mapping[bytes, bytes]) -> str | None:
        scheme, _, token = str(headers.get(b"authorization", b""), "latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        try:
            async with asking("store of the logins"):
                return (await self._identity.caller(token.strip())).username
        except TokenRefusedError:
            return None

    async def _once(self, scope: Scope, receive: Receive, send: Send, username: str, key: bytes) -> None:
        try:
            body = await _body(receive)
        except HTTPException as refused:
            await problem_answer(scope, refused.status_code, refused.detail)(scope, receive, send)
            return
        request = _keyed(scope, username, key, body)
        try:
            async with asking("store of the answers"):
                kept = await self._answers.begin(request)
        except KeyReusedError:
            await _invalid(scope, _REUSED, "key_reused")(scope, receive, send)
        except StillAnsweringError:
            answer = problem_answer(scope, HTTPStatus.CONFLICT, _STILL_ANSWERING, {"Retry-After": "1"})
            await answer(scope, receive, send)
        else:
            if kept is None:
                await self._serve(scope, _Replayed(body, receive), send, request)
            else:
                await _as_kept(kept)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: "_Replayed", send: Send, request: KeyedRequest) -> None:
        sent = _Recorded()
        try:
            await self._app(scope, receive, sent)
        except Exception:
            await self._settle(request, None)
            raise
        # Kept before it is sent: an answer that gets lost is found again.
        await self._settle(request, sent.to_keep())
        for message in sent.messages:
            await send(message)

    async def _settle(self, request: KeyedRequest, answer: KeptAnswer | None) -> None:
        try:
            if answer is None:
                await self._answers.give_up(request)
            else:
                await self._answers.finish(request, answer)
        except (RetryableError, PermanentError) as error:
            # The change is made, or not: the client has to hear which, and the key goes by itself.
            structlog.get_logger().warning("answer_not_kept", reason=str(error))


class _Replayed:
    """Gives a body that was read already, then whatever comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        message, self._message = self._message, None
        return message or await self._receive()


class _Recorded:
    """Takes the messages of an answer."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def to_keep(self) -> KeptAnswer | None:
        """The answer; None for one that is not kept."""
        if not self.messages:
            return None
        start, *rest = self.messages
        body = b"".join(message.get("body", b"") for message in rest)
        status = start["status"]
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _NOT_KEPT or len(body) > LARGEST_ANSWER:
            return None
        headers = tuple((str(name, "latin-1"), str(value, "latin-1")) for name, value in start["headers"])
        return KeptAnswer(status=status, headers=headers, body=body)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body broke off.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _keyed(scope: Scope, username: str, key: bytes, body: bytes) -> KeyedRequest:
    name = hashlib.sha256(username.encode() + b"\0" + key).hexdigest()
    headers = dict(scope["headers"])
    content = hmac.new(key, digestmod="sha256")
    # Under the key, which is kept nowhere: a body may have a password in it, which its digest gives away.
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"]):
        content.update(part + b"\0")
    content.update(headers.get(b"if-match", b"") + b"\0" + body)
    return KeyedRequest(key=name, content=content.hexdigest())


def _as_kept(kept: KeptAnswer) -> Response:
    answer = Response(kept.body, status_code=kept.status)
    answer.raw_headers = [
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers),
        (REPLAYED_HEADER.lower().encode(), b"true"),
    ]
    return answer


def _invalid(scope: Scope, message: str, kind: str) -> Response:
    problem = {"loc": ("header", KEY_HEADER), "msg": message, "type": kind}
    return invalid_request_answer(scope, [problem])
