"""The notifier's own settings; whom to tell is in the store: `schemas.notification`."""

import socket
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from microgrid_common.ports.push_tokens import PushPlatform
from microgrid_common.runtime.settings import HealthServerSettings, Port, RedisSettings

PlatformApplication = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:app/[A-Za-z_]+/[A-Za-z0-9_.-]+$")
]


class NotifierSettings(RedisSettings, HealthServerSettings):
    """What the notifier reads from `MICROGRID_…` variables and `.env`."""

    notifier_name: str = Field(default_factory=socket.gethostname, pattern=r"^[A-Za-z0-9_.-]{1,60}$")
    """Names this notifier's place in the consumer group: the same after a restart."""
    fcm_service_account_file: Path | None = None
    """The service account that push messages are sent with, by FCM. None: see `sns_applications`."""
    sns_applications: dict[PushPlatform, PlatformApplication] = Field(default_factory=dict)
    """The platform applications that push messages are sent with, by Amazon SNS, as JSON: `{"android":
    "arn:aws:sns:…"}`. Without these and the service account channels of the kind `push` refuse."""
    health_port: Port = 8003

    @model_validator(mode="after")
    def _one_way_to_the_phones(self) -> Self:
        if self.sns_applications and self.fcm_service_account_file:
            raise ValueError("push messages go by FCM or by SNS: give one of them")
        return self
