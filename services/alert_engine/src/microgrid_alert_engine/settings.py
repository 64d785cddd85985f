"""The alert engine's settings."""

import socket
from pathlib import Path
from typing import Annotated

from pydantic import Field

from microgrid_common.runtime.settings import HealthServerSettings, MqttSettings, Port, RedisSettings


class AlertEngineSettings(MqttSettings, RedisSettings, HealthServerSettings):
    """What the alert engine reads from `MICROGRID_…` variables and `.env`."""

    alert_engine_name: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    """Names this engine's place in the consumer groups: the same after a restart."""
    rules_file: Path | None = None
    """A JSON list of alarm rules to begin with: rules that were stored before are left as they are. None:
    the rules that come with the engine."""
    notice_quiet_seconds: Annotated[float, Field(gt=0)] = 600
    """An alert that rests on a device's own messages alone ends after so long without one."""
    health_port: Port = 8002
