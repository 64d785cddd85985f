"""Certificates for tests of TLS, made by the program openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


class OpensslMissingError(RuntimeError):
    """The program openssl is not installed."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, in PEM files."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """Issues certificates that are good for two days.

    Args:
        folder: where the files go.
        name: what it is called; two authorities in one folder need two names.

    Raises:
        OpensslMissingError: openssl is not installed.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._own = self._make(name)

    @property
    def certificate(self) -> Path:
        """What whoever believes this authority needs."""
        return self._own.certificate

    def for_host(self, host: str) -> Certificate:
        """A certificate for a server of this name."""
        return self._issue(host, f"subjectAltName=DNS:{host}")

    def for_client(self, name: str) -> Certificate:
        """A certificate for a client."""
        return self._issue(name, "keyUsage=digitalSignature")

    def _issue(self, name: str, extension: str) -> Certificate:
        return self._make(
            name,
            *("-CA", str(self._own.certificate), "-CAkey", str(self._own.key)),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", extension),
        )

    def _make(self, name: str, *arguments: str) -> Certificate:
        if (openssl := shutil.which("openssl")) is None:
            raise OpensslMissingError("openssl, which makes the certificates, is not installed")
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        files = ("-keyout", str(made.key), "-out", str(made.certificate), "-subj", f"/CN={name}")
        subprocess.run([openssl, *new, *files, *arguments], check=True, capture_output=True)  # noqa: S603 - names come from tests
        return made
