"""What happens to an alert, as a live client hears of it that knows only `raised` and `cleared`."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from microgrid_api.live.feed import LiveFeed
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    OutOfService,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.asgi_websocket import asgi_websocket
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import SAMPLE_TIME

LATER = SAMPLE_TIME + timedelta(hours=1)
OPEN = Alert(
    id="alert-1",
    grid_id="default",
    device_id="prototype",
    rule_id="load-abnormality",
    severity=Severity.WARNING,
    message="Load Abnormality: Unusual load increase detected.",
    status=AlertStatus.ACTIVE,
    source=AlertSource.RULE,
    raised_at=SAMPLE_TIME,
)
ACKNOWLEDGED = OPEN.model_copy(update={"acknowledged_at": SAMPLE_TIME, "acknowledged_by": "user"})
SHELVED = OPEN.model_copy(update={"shelved": Shelving(at=SAMPLE_TIME, by="user", until=LATER, reason="test")})
SUPPRESSED = OPEN.model_copy(
    update={"suppressed": Suppression(at=SAMPLE_TIME, cause=SuppressionCause.PARENT_DOWN, by="gateway")}
)
OUT_OF_SERVICE = OPEN.model_copy(
    update={"out_of_service": OutOfService(at=SAMPLE_TIME, by="user", reason="test")}
)
OVER = {"status": AlertStatus.RESOLVED, "cleared_at": SAMPLE_TIME}
RETURNED = OPEN.model_copy(update=OVER)


async def told(app: FastAPI, log: FakeDurableLog, *events: tuple[AlertTransition, Alert]) -> list[Any]:
    """What a client hears of events."""
    records = [AlertEvent(transition=what, at=SAMPLE_TIME, by="user", alert=alert) for what, alert in events]
    async with asgi_websocket(app, "/api/live", query="token=prototype_token") as client:
        assert (await client.receive())["type"] == "snapshot"
        await log.append(
            [
                Record(ALERTS_STREAM, ALERT_EVENT_KIND, event.model_dump_json(exclude_defaults=True).encode())
                for event in records
            ]
        )
        return [await client.receive() for _ in events]


@pytest.mark.parametrize(
    ("what", "alert", "transition", "state"),
    [
        (AlertTransition.RAISED, OPEN, "raised", "unacknowledged"),
        (AlertTransition.RAISED, SHELVED, "changed", "shelved"),
        (AlertTransition.RAISED, SUPPRESSED, "changed", "suppressed"),
        (AlertTransition.RETURNED, OPEN, "changed", "unacknowledged"),
        (AlertTransition.ACKNOWLEDGED, ACKNOWLEDGED, "changed", "acknowledged"),
        (AlertTransition.ACKNOWLEDGED, ACKNOWLEDGED.model_copy(update=OVER), "changed", "normal"),
        (AlertTransition.CLEARED, RETURNED, "cleared", "returned_unacknowledged"),
        (AlertTransition.CLEARED, ACKNOWLEDGED.model_copy(update=OVER), "cleared", "normal"),
        (AlertTransition.SUPERSEDED, RETURNED.model_copy(update={"superseded_by": "alert-2"}), "changed",
         "normal"),
        (AlertTransition.SHELVED, SHELVED, "cleared", "shelved"),
        (AlertTransition.UNSHELVED, OPEN, "raised", "unacknowledged"),
        (AlertTransition.UNSHELVED, SUPPRESSED, "changed", "suppressed"),
        (AlertTransition.SUPPRESSED, SUPPRESSED, "cleared", "suppressed"),
        (AlertTransition.UNSUPPRESSED, ACKNOWLEDGED, "raised", "acknowledged"),
        (AlertTransition.TAKEN_OUT_OF_SERVICE, OUT_OF_SERVICE, "cleared", "out_of_service"),
        (AlertTransition.RETURNED_TO_SERVICE, OPEN, "raised", "unacknowledged"),
        (AlertTransition.RETURNED_TO_SERVICE, SHELVED, "changed", "shelved"),
        (AlertTransition.NOTED, OPEN, "changed", "unacknowledged"),
        (AlertTransition.NOTED, RETURNED, "changed", "returned_unacknowledged"),
        (AlertTransition.ASSIGNED, SHELVED, "changed", "shelved"),
    ],
)  # fmt: skip
async def test_an_event_says_what_it_means_for_the_list_of_active_alerts(
    app: FastAPI,
    log: FakeDurableLog,
    feed: LiveFeed,
    *,
    what: AlertTransition,
    alert: Alert,
    transition: str,
    state: str,
) -> None:
    assert await told(app, log, (what, alert)) == [
        {
            "type": "alert",
            "transition": transition,
            "event": what.value,
            "state": state,
            "at": "2026-11-23T10:00:00.000Z",
            "alert": {
                "id": "alert-1",
                "message": "Load Abnormality: Unusual load increase detected.",
                "timestamp": "2026-11-23T10:00:00.000Z",
                "severity": "warning",
            },
        }
    ]


async def test_a_client_that_knows_two_transitions_has_the_right_list_through_a_whole_life(
    app: FastAPI, log: FakeDurableLog, feed: LiveFeed
) -> None:
    life = [
        (AlertTransition.RAISED, OPEN),
        (AlertTransition.NOTED, OPEN),
        (AlertTransition.SUPPRESSED, SUPPRESSED),
        (AlertTransition.SHELVED, SUPPRESSED.model_copy(update={"shelved": SHELVED.shelved})),
        (AlertTransition.UNSUPPRESSED, SHELVED),
        (AlertTransition.UNSHELVED, OPEN),
        (AlertTransition.ACKNOWLEDGED, ACKNOWLEDGED),
        (AlertTransition.CLEARED, ACKNOWLEDGED.model_copy(update=OVER)),
    ]
    listed: set[str] = set()
    for message, (_, alert) in zip(await told(app, log, *life), life, strict=True):
        if message["transition"] == "raised":
            listed.add(message["alert"]["id"])
        elif message["transition"] == "cleared":
            listed.discard(message["alert"]["id"])
        assert listed == ({"alert-1"} if alert.annunciated else set())
