"""The notifier's own settings; whom to tell is in the store: `schemas.notification`."""

import socket
from pathlib import Path

from pydantic import Field

from microgrid_common.runtime.settings import HealthServerSettings, Port, RedisSettings


class NotifierSettings(RedisSettings, HealthServerSettings):
    """What the notifier reads from `MICROGRID_…` variables and `.env`."""

    notifier_name: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    """Names this notifier's place in the consumer group: the same after a restart."""
    fcm_service_account_file: Path | None = None
    """The service account that push messages are sent with. None: channels of the kind `push` refuse."""
    health_port: Port = 8003
