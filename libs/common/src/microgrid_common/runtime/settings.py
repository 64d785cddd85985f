"""Settings that several services share, each read from `MICROGRID_…` variables and `.env`.

A service's own settings class inherits those that it needs. It is read once, in `__main__`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AnyUrl, Field, SecretStr, UrlConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from microgrid_common.runtime.logging import LogFormat
from microgrid_common.schemas.grid import TimeZoneName

Port = Annotated[int, Field(ge=0, le=65_535)]
MqttUrl = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["mqtt", "mqtts"], default_host="127.0.0.1")]


class CommonSettings(BaseSettings):
    """What every service has."""

    model_config = SettingsConfigDict(
        env_prefix="MICROGRID_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is logged."""
    log_format: LogFormat = "auto"
    """`json`, `console`, or `auto`: console on a terminal."""
    data_dir: Path = Path("data")
    """Where embedded stores keep their files."""


class RedisSettings(CommonSettings):
    """For a service that uses the durable log or the alert store."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Redis or Valkey: `redis://`, `rediss://` or `unix://`."""
    stream_shards: Annotated[int, Field(ge=1, le=256)] = 4
    """Into how many streams the readings are divided by grid. The same for every service."""


class MqttSettings(CommonSettings):
    """For a service that talks to the MQTT broker."""

    mqtt_url: MqttUrl = AnyUrl("mqtt://127.0.0.1:1883")
    """`mqtt://` or, with TLS, `mqtts://`; user and password may stand in it."""
    mqtt_ca_file: Path | None = None
    """Whom to believe with TLS; the system's own list by default."""
    mqtt_certificate_file: Path | None = None
    """Our own certificate, where the broker asks for one."""
    mqtt_key_file: Path | None = None
    """The private key of our certificate."""

    @property
    def mqtt_certificates(self) -> tuple[Path, ...]:
        """The certificate files, as far as they are given."""
        return tuple(file for file in (self.mqtt_ca_file, self.mqtt_certificate_file) if file is not None)


class TelemetryStoreSettings(CommonSettings):
    """For a service that writes or reads readings."""

    telemetry_store: Literal["influx", "sqlite"] = "influx"
    """`influx` for InfluxDB 2; `sqlite` for one file in the data folder."""
    influx_url: str = "http://127.0.0.1:8086"
    influx_token: SecretStr = SecretStr("")
    influx_org: str = "microgrid"
    influx_bucket: str = "telemetry"


class GridSettings(CommonSettings):
    """For a service that goes by the clock on the wall of a grid."""

    time_zone: TimeZoneName = "UTC"
    """Such as `Asia/Kathmandu`: of every grid that nobody has described. The same for every service."""


class HealthServerSettings(CommonSettings):
    """For a service without an HTTP interface of its own."""

    health_host: str = "127.0.0.1"
    """Where `/healthz`, `/readyz` and `/metrics` are served."""
    health_port: Port = 0
    """0 leaves the health server out."""
    watched_disk: Path | None = None
    """A folder on the disk of which `/metrics` says how full it is; None: the data folder."""
    watched_certificates: Annotated[tuple[Path, ...], NoDecode] = ()
    """More certificate files of which `/metrics` says when they end, separated by commas."""

    @field_validator("watched_certificates", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(file for part in value.split(",") if (file := part.strip()))
        return value


def describe_problems(error: ValidationError) -> str:
    """What is wrong with which setting, without the values: an address may hold a password."""
    return "; ".join(
        f"MICROGRID_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
