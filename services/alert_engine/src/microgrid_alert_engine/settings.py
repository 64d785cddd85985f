"""The alert engine's settings."""

import socket
from typing import Annotated

from pydantic import Field

from microgrid_common.runtime.settings import HealthServerSettings, Port, RedisSettings


class AlertEngineSettings(RedisSettings, HealthServerSettings):
    """What the alert engine reads from `MICROGRID_…` variables and `.env`."""

    alert_engine_name: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    """Names this engine's place in the consumer group: the same after a restart."""
    notice_quiet_seconds: Annotated[float, Field(gt=0)] = 600
    """An alert that rests on a device's own messages alone ends after so long without one."""
    health_port: Port = 8002
