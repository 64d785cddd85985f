"""The prototype's live connection, to the default grid: a snapshot, then every change."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel

from microgrid_api.alarms.active_alerts import find_active_alerts
from microgrid_api.context import ApiContext, context_of
from microgrid_api.devices.device_views import DeviceMessage
from microgrid_api.live import connection as live_connection
from microgrid_api.live.connection import caller_in, check_origin, first_of, serve, token_of
from microgrid_api.live.subscription import Delta, LiveSubscription
from microgrid_api.views import (
    AlertMessage,
    AlertView,
    HeartbeatMessage,
    LiveValueView,
    ReadingMessage,
    SnapshotMessage,
)
from microgrid_api.web.errors import asking
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID

router = APIRouter()

_PACE: Final = timedelta(milliseconds=50)
"""At most 20 messages of readings a second: more than an eye can follow, and kind to a slow link."""


@router.websocket("/api/live")
async def live(websocket: WebSocket) -> None:
    """Send a snapshot, then readings and alerts as they come."""
    await serve(websocket, partial(_converse, websocket, context_of(websocket)))


async def _converse(websocket: WebSocket, context: ApiContext) -> None:
    check_origin(websocket, context)
    await caller_in(context, token_of(websocket), DEFAULT_GRID_ID)
    with context.live_clients.one_more():
        await first_of(_send_changes(websocket, context), _until_it_leaves(websocket))


async def _until_it_leaves(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass  # A client has nothing to say here; reading on is what notices that it leaves.


async def _send_changes(websocket: WebSocket, context: ApiContext) -> None:
    # Subscribed before the alerts are read: an event in between is then told twice, not lost.
    subscription = LiveSubscription(context.feed, DEFAULT_GRID_ID)
    async with asking("alert store"):
        active = await find_active_alerts(context.ports.records, DEFAULT_GRID_ID)
    delta = subscription.take()
    snapshot = SnapshotMessage(
        readings=LiveValueView.of_all(delta.values),
        alerts=[AlertView.of(alert) for alert in active.shown],
        more_alerts=active.total > len(active.shown),
    )
    await _send(websocket, snapshot)
    await _send_events(websocket, delta)
    await _send_deltas(websocket, subscription)


async def _send_deltas(websocket: WebSocket, subscription: LiveSubscription) -> None:
    heartbeat_every = live_connection.HEARTBEAT_EVERY.total_seconds()
    loop = asyncio.get_running_loop()
    heartbeat_due = loop.time() + heartbeat_every
    while True:
        left = timedelta(seconds=max(0.0, heartbeat_due - loop.time()))
        delta = await subscription.next(within=left)
        if delta is None:
            await _send(websocket, HeartbeatMessage())
            heartbeat_due = loop.time() + heartbeat_every
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
    await live_connection.send(websocket, message.model_dump_json())
