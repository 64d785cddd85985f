"""The ingestor's settings."""

import socket
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from microgrid_common.ports.quarantine import QuarantineLimits
from microgrid_common.runtime.settings import (
    GridSettings,
    HealthServerSettings,
    MqttSettings,
    Port,
    RedisSettings,
    TelemetryStoreSettings,
)
from microgrid_common.transforms.ledger.asking import BackfillPolicy
from microgrid_common.transforms.link_rules import LinkRules


class IngestorSettings(
    MqttSettings, RedisSettings, TelemetryStoreSettings, GridSettings, HealthServerSettings
):
    """What the ingestor reads from `MICROGRID_…` variables and `.env`."""

    ingestor_name: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    """Names this replica's MQTT session and its place in the consumer group: the same after a restart."""
    mqtt_receive_maximum: Annotated[int, Field(ge=1, le=65_535)] = 5_000
    """How many messages the broker may send ahead of our acknowledgements."""
    mqtt_shared_group: str = Field(default="ingestor", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """Replicas of one group share the messages; empty for one receiver that gets them all."""
    stream_keep_minutes: Annotated[float, Field(gt=0)] = 60
    """How long an entry stays in the streams at least; longer while a consumer has not read it."""
    quarantine_messages: Annotated[int, Field(ge=1, le=10_000_000)] = 50_000
    """How many messages quarantine may hold; beyond it the oldest closed ones go, then open ones."""
    quarantine_megabytes: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """What these may take in the stream; Redis needs 1 kB more for each message."""
    quarantine_keep_days: Annotated[float, Field(gt=0, le=36_500)] = 90
    """How long a message stays in quarantine."""
    backfill_grace_seconds: Annotated[float, Field(gt=0, le=86_400)] = 30
    """How long a missing sample may still come by itself before its device is asked for it."""
    backfill_interval_seconds: Annotated[float, Field(gt=0, le=86_400)] = 60
    """The shortest time between two requests to one device."""
    backfill_attempts: Annotated[int, Field(ge=1, le=1_000)] = 10
    """How often a device is asked for the same samples; then they stay listed as unanswered."""
    backfill_requests_per_second: Annotated[int, Field(ge=1, le=1_000)] = 20
    """How many requests go out to all devices together."""
    unknown_devices: Literal["accept", "quarantine"] = "accept"
    """What becomes of the messages of unregistered devices: `accept`, or `quarantine` until they are
    registered and what they sent is replayed."""
    stale_factor: Annotated[float, Field(ge=1.5, le=1_000)] = 3
    """A device is stale after so many of its intervals without a message."""
    health_port: Port = 8001

    @property
    def only_registered(self) -> bool:
        """Whether only registered devices are accepted."""
        return self.unknown_devices == "quarantine"

    @property
    def link_rules(self) -> LinkRules:
        """How long to wait before something is believed of a device's link."""
        return LinkRules(stale_factor=self.stale_factor)

    @property
    def backfill_policy(self) -> BackfillPolicy:
        """When to ask a device for what is missing, and how often."""
        return BackfillPolicy(
            grace=timedelta(seconds=self.backfill_grace_seconds),
            interval=timedelta(seconds=self.backfill_interval_seconds),
            attempts=self.backfill_attempts,
        )

    @property
    def quarantine_limits(self) -> QuarantineLimits:
        """How much quarantine may hold."""
        return QuarantineLimits(
            messages=self.quarantine_messages,
            stored_bytes=self.quarantine_megabytes * 1024 * 1024,
            keep=timedelta(days=self.quarantine_keep_days),
        )
