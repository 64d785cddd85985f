"""Where a broker is and how to get in, from one URL."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.settings import MqttSettings

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files for a TLS connection; None for what is not used."""

    certificate_authority: Path | None = None
    """Whom to believe; None for the system's own list."""
    certificate: Path | None = None
    """The client's own certificate, where the broker asks for one."""
    key: Path | None = None
    """The private key of `certificate`."""


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is and how to get in."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: TlsFiles | None = None
    """None for a connection without TLS."""

    def tls_context(self) -> ssl.SSLContext | None:
        """What TLS needs, read from the files now: one that was replaced counts from the next connect.

        Returns:
            None for a connection without TLS.

        Raises:
            RetryableError: a file cannot be used; it says which.
        """
        return _tls_context(self.tls) if self.tls else None

    def __str__(self) -> str:
        """Host and port: what may be logged."""
        return f"{self.host}:{self.port}"


def parse_broker_url(url: str, tls_files: TlsFiles | None = None) -> BrokerAddress:
    """The address in a URL such as `mqtts://user:password@broker.example:8883`.

    Raises:
        ValueError: it is not an `mqtt://` or `mqtts://` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("expected a broker as mqtt://host:port or mqtts://host:port")
    return BrokerAddress(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=(tls_files or TlsFiles()) if parts.scheme == "mqtts" else None,
    )


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.certificate_authority)
    except OSError as error:
        raise _unusable("MICROGRID_MQTT_CA_FILE", files.certificate_authority, error) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate:
        try:
            # Without a password OpenSSL would ask for that of an encrypted key on the terminal, and wait.
            context.load_cert_chain(files.certificate, files.key, password="")
        except OSError as error:
            settings = "MICROGRID_MQTT_CERTIFICATE_FILE and MICROGRID_MQTT_KEY_FILE"
            raise _unusable(settings, files.certificate, error) from None
    return context


def _unusable(settings: str, path: Path | None, error: OSError) -> RetryableError:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return RetryableError(f"{path} cannot be used ({reason}): check {settings}")


def broker_address(settings: MqttSettings) -> BrokerAddress:
    """Where the broker of a service's settings is, with what TLS needs.

    Raises:
        ValueError: the setting is no broker's URL.
    """
    files = TlsFiles(settings.mqtt_ca_file, settings.mqtt_certificate_file, settings.mqtt_key_file)
    return parse_broker_url(str(settings.mqtt_url), files)
