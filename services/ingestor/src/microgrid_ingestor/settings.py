"""The ingestor's settings."""

import socket
from datetime import timedelta
from typing import Annotated

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
    """What these may take in the stream; Redis needs up to twice that, beside the readings."""
    quarantine_keep_days: Annotated[float, Field(gt=0, le=36_500)] = 90
    """How long a message stays in quarantine."""
    health_port: Port = 8001

    @property
    def quarantine_limits(self) -> QuarantineLimits:
        """How much quarantine may hold."""
        return QuarantineLimits(
            messages=self.quarantine_messages,
            stored_bytes=self.quarantine_megabytes * 1024 * 1024,
            keep=timedelta(days=self.quarantine_keep_days),
        )
