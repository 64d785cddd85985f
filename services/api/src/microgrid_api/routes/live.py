"""The live connection: a snapshot, then every change."""

import asyncio
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import BaseModel

from microgrid_api.context import ApiContext, context_of
from microgrid_api.device_views import DeviceMessage
from microgrid_api.errors import UnavailableError, asking
from microgrid_api.live import Delta, FellBehindError, LiveSubscription
from microgrid_api.live_clients import TooManyClientsError
from microgrid_api.permissions import Permission, may
from microgrid_api.views import (
    AlertMessage,
    AlertView,
    HeartbeatMessage,
    LiveValueView,
    ReadingMessage,
    SnapshotMessage,
)
from microgrid_common.ports.identity import TokenRefusedError
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID

router = APIRouter()

HEARTBEAT_EVERY: Final = timedelta(seconds=15)
"""Below the idle timeout of mobile networks and proxies, the shortest of which is about 30 s."""

SEND_WITHIN: Final = timedelta(seconds=10)
"""A client that takes nothing for longer is gone or hopeless."""

_PACE: Final = timedelta(milliseconds=50)
"""At most 20 messages of readings a second: more than an eye can follow, and kind to a slow link."""

_CLOSE_WITHIN: Final = timedelta(seconds=1)

_TRY_AGAIN_LATER: Final = 1013
_SIGN_IN_AGAIN: Final = 4401
_OTHER_ORIGIN: Final = 4403
_NOT_YOURS: Final = 4404


class _CloseConnection(Exception):  # noqa: N818 - it ends a conversation, which is no error
    """Close the connection, and tell the client why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@router.websocket("/api/live")
async def live(websocket: WebSocket) -> None:
    """Send a snapshot, then readings and alerts as they come."""
    context = context_of(websocket)
    # Accepted first: a browser shows the code and the reason only of a connection that was open.
    await websocket.accept()
    try:
        _check_origin(websocket, context)
        await _check_token(websocket, context)
        with context.live_clients.one_more():
            await _converse(websocket, context)
    except _CloseConnection as closing:
        await _close(websocket, closing)
    except TooManyClientsError:
        await _close(websocket, _CloseConnection(_TRY_AGAIN_LATER, "too many live connections"))
    except WebSocketDisconnect:
        pass


def _check_origin(websocket: WebSocket, context: ApiContext) -> None:
    # A browser lets any page open a WebSocket to any host, without asking as it does for requests.
    origin = websocket.headers.get("origin")
    if origin is None or origin in context.cors_origins:
        return
    if origin.partition("://")[2] != websocket.headers.get("host"):
        raise _CloseConnection(_OTHER_ORIGIN, "web pages of this origin are not allowed")


async def _check_token(websocket: WebSocket, context: ApiContext) -> None:
    scheme, token = get_authorization_scheme_param(websocket.headers.get("authorization"))
    if scheme.lower() != "bearer":
        # A browser cannot set a header on a WebSocket.
        token = websocket.query_params.get("token", "")
    try:
        async with asking("store of the logins"):
            caller = await context.ports.identity.caller(token)
    except TokenRefusedError as error:
        raise _CloseConnection(_SIGN_IN_AGAIN, "the token is missing or not valid") from error
    except UnavailableError as error:
        raise _CloseConnection(_TRY_AGAIN_LATER, str(error)) from error
    if not may(caller, Permission.VIEW, DEFAULT_GRID_ID):
        raise _CloseConnection(_NOT_YOURS, "there is no such grid")


async def _converse(websocket: WebSocket, context: ApiContext) -> None:
    sending = asyncio.create_task(_send_changes(websocket, context), name="api-live-send")
    listening = asyncio.create_task(_until_it_leaves(websocket), name="api-live-receive")
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, listening):
            task.cancel()
        await asyncio.gather(sending, listening, return_exceptions=True)
    for task in (sending, listening):
        if not task.cancelled():
            task.result()


async def _until_it_leaves(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass  # A client has nothing to say here; reading on is what notices that it leaves.


async def _send_changes(websocket: WebSocket, context: ApiContext) -> None:
    # Subscribed before the alerts are read: an event in between is then told twice, not lost.
    subscription = LiveSubscription(context.feed, DEFAULT_GRID_ID)
    try:
        async with asking("alert store"):
            alerts = await context.active_alerts(DEFAULT_GRID_ID)
        delta = subscription.take()
        snapshot = SnapshotMessage(
            readings=LiveValueView.of_all(delta.values), alerts=[AlertView.of(alert) for alert in alerts]
        )
        await _send(websocket, snapshot)
        await _send_events(websocket, delta)
        await _send_deltas(websocket, subscription)
    except UnavailableError as error:
        raise _CloseConnection(_TRY_AGAIN_LATER, str(error)) from error
    except FellBehindError as error:
        raise _CloseConnection(_TRY_AGAIN_LATER, "the connection is too slow for the alerts") from error


async def _send_deltas(websocket: WebSocket, subscription: LiveSubscription) -> None:
    loop = asyncio.get_running_loop()
    heartbeat_due = loop.time() + HEARTBEAT_EVERY.total_seconds()
    while True:
        left = timedelta(seconds=max(0.0, heartbeat_due - loop.time()))
        delta = await subscription.next(within=left)
        if delta is None:
            await _send(websocket, HeartbeatMessage())
            heartbeat_due = loop.time() + HEARTBEAT_EVERY.total_seconds()
            continue
        await _send_events(websocket, delta)
        if delta.values:
            await _send(websocket, ReadingMessage(readings=LiveValueView.of_all(delta.values)))
            await asyncio.sleep(_PACE.total_seconds())


async def _send_events(websocket: WebSocket, delta: Delta) -> None:
    for event in delta.alert_events:
        await _send(websocket, AlertMessage.of(event))
    for link_event in delta.link_events:
        await _send(websocket, DeviceMessage.of(link_event))


async def _send(websocket: WebSocket, message: BaseModel) -> None:
    try:
        async with asyncio.timeout(SEND_WITHIN.total_seconds()):
            await websocket.send_text(message.model_dump_json())
    except TimeoutError as error:
        raise _CloseConnection(_TRY_AGAIN_LATER, "the connection is too slow") from error


async def _close(websocket: WebSocket, closing: _CloseConnection) -> None:
    try:
        async with asyncio.timeout(_CLOSE_WITHIN.total_seconds()):
            await websocket.close(closing.code, closing.reason)
    except (TimeoutError, WebSocketDisconnect):
        pass  # It reads nothing, or has left: the server ends the connection without it.
