"""Where a broker is and how to get in, from one URL."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    tls: ssl.SSLContext | None = None
    """None for a connection without TLS."""

    def __str__(self) -> str:
        """Host and port: what may be logged."""
        return f"{self.host}:{self.port}"


def parse_broker_url(url: str, tls_files: TlsFiles | None = None) -> BrokerAddress:
    """The address in a URL such as `mqtts://user:password@broker.example:8883`.

    Raises:
        ValueError: it is not an `mqtt://` or `mqtts://` URL.
        OSError: a TLS file cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("expected a broker as mqtt://host:port or mqtts://host:port")
    return BrokerAddress(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=_tls_context(tls_files or TlsFiles()) if parts.scheme == "mqtts" else None,
    )


def _tls_context(files: TlsFiles) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.certificate_authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate:
        context.load_cert_chain(files.certificate, files.key)
    return context
