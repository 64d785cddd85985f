"""What the containers need before they start: certificates, passwords, folders, and a file of settings."""

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from deploy.compose.certificates import Authority, is_good
from deploy.compose.private_files import give_to, private_folder, write_private
from deploy.compose.redis_users import ADMIN, USERS, acl_file

HERE = Path(__file__).resolve().parent
MQTT_CLIENTS = ("ingestor", "alert-engine", "simulator")
MOUNTED = ("mosquitto", "redis", "proxy", *MQTT_CLIENTS)
"""Folders of secrets that a container sees, each its own alone; the authority's key is in none."""
DATA = ("mosquitto", "redis", "influxdb", "prometheus", "grafana")

_USER_WHERE_ROOT_INSTALLS = 10_001
"""No container runs as root, so what root makes is given to this one."""

_CONFIGURATION = {"mosquitto": "mosquitto", "redis": "redis", "proxy": "proxy"}
_LOOPBACK_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything of one running system that is not in the repository.

    Args:
        state: the folder of its secrets and its data.
        environment: the file that compose reads settings from; it is written here.
        settings: what goes into it beside what is made here, such as `MICROGRID_HTTPS_PORT`.
    """

    state: Path
    environment: Path
    settings: Mapping[str, str]

    @property
    def secrets(self) -> Path:
        """The folder of keys and passwords."""
        return self.state / "secrets"

    @property
    def authority(self) -> Authority:
        """Its certificate authority; made at the first use."""
        return Authority.kept_in(self.secrets / "ca")

    def prepare(self) -> None:
        """Make what is missing, renew what ends soon, leave the rest alone."""
        private_folder(self.state)
        self._issue_certificates(self.authority)
        self._make_passwords()
        for name in DATA:
            private_folder(self.state / "data" / name)
        user, group = os.geteuid(), os.getegid()
        if user == 0:
            user = group = _USER_WHERE_ROOT_INSTALLS
            for folder in (
                *(self.secrets / name for name in MOUNTED),
                *(self.state / "data" / name for name in DATA),
            ):
                give_to(folder, user, group)
        self._write_environment(user, group)

    def value(self, service: str, name: str) -> str | None:
        """A setting of a service in its file of secrets; None when it is not there."""
        return _read_settings(self.secrets / f"{service}.env").get(name)

    def put(self, service: str, **values: str) -> None:
        """Add settings to a service's file of secrets."""
        file = self.secrets / f"{service}.env"
        lines = [f"{name}={value}\n" for name, value in (_read_settings(file) | values).items()]
        write_private(file, "".join(lines))

    def _issue_certificates(self, authority: Authority) -> None:
        for service in (*MQTT_CLIENTS, "mosquitto"):
            write_private(self.secrets / service / "ca.pem", authority.pem)
        for service in MQTT_CLIENTS:
            _issue_client(authority, self.secrets / service / "client.pem", service)
        broker = self.secrets / "mosquitto"
        _issue_client(authority, broker / "health.pem", "health")
        # The broker wants it to be private, which a file in a repository cannot be.
        write_private(broker / "acl", (HERE / "mosquitto" / "acl").read_bytes())
        if not (broker / "crl.pem").exists():
            write_private(broker / "crl.pem", authority.no_revocations())
        hosts = self._hosts()
        if not is_good(broker / "server.pem", authority, (*hosts, "mosquitto")):
            certificate, key = authority.server((*hosts, "mosquitto"))
            write_private(broker / "server.key", key)
            write_private(broker / "server.pem", certificate)
        proxy = self.secrets / "proxy" / "server.pem"
        if not is_good(proxy, authority, hosts):
            write_private(proxy, b"".join(authority.server(hosts)))
        # The ingestor tells when they end; without their keys.
        watching = self.secrets / "ingestor"
        write_private(watching / "broker.pem", (broker / "server.pem").read_bytes())
        write_private(watching / "proxy.pem", _without_key(proxy.read_bytes()))

    def _hosts(self) -> tuple[str, ...]:
        told = self.settings.get("MICROGRID_HOST_NAMES", "").replace(",", " ").split()
        return tuple(dict.fromkeys((*_LOOPBACK_NAMES, socket.gethostname(), *told)))

    def _make_passwords(self) -> None:
        for service in USERS:
            if self.value(service, "MICROGRID_REDIS_URL") is None:
                password = secrets.token_urlsafe(32)
                self.put(service, MICROGRID_REDIS_URL=f"redis://{service}:{password}@redis:6379/0")
        if self.value("redis-admin", "REDISCLI_AUTH") is None:
            self.put("redis-admin", REDISCLI_AUTH=secrets.token_urlsafe(32))
        passwords = {name: self._redis_password(name) for name in USERS}
        passwords[ADMIN] = self.value("redis-admin", "REDISCLI_AUTH") or ""
        write_private(self.secrets / "redis" / "users.acl", acl_file(passwords))
        if self.value("api", "MICROGRID_AUTH_SIGNING_KEY") is None:
            self.put("api", MICROGRID_AUTH_SIGNING_KEY=secrets.token_urlsafe(48))
        if self.value("grafana", "GF_SECURITY_ADMIN_PASSWORD") is None:
            self.put("grafana", GF_SECURITY_ADMIN_PASSWORD=secrets.token_urlsafe(24))
        if self.value("setup", "MICROGRID_INFLUX_TOKEN") is None:
            token = secrets.token_urlsafe(48)
            self.put("setup", MICROGRID_INFLUX_TOKEN=token)
            self.put(
                "influxdb",
                DOCKER_INFLUXDB_INIT_ADMIN_TOKEN=token,
                DOCKER_INFLUXDB_INIT_PASSWORD=secrets.token_urlsafe(24),
            )

    def _redis_password(self, service: str) -> str:
        return (self.value(service, "MICROGRID_REDIS_URL") or "").split(":")[2].partition("@")[0]

    def _write_environment(self, user: int, group: int) -> None:
        values = {
            **self.settings,
            "MICROGRID_STATE": str(self.state),
            "MICROGRID_USER": f"{user}:{group}",
        }
        for service in MOUNTED:
            # A container that reads these files is made anew when one of them has changed.
            folders = [self.secrets / service]
            if service in _CONFIGURATION:
                folders.append(HERE / _CONFIGURATION[service])
            name = f"MICROGRID_{service.upper().replace('-', '_')}_FILES"
            values[name] = _digest(folders)
        write_private(self.environment, "".join(f"{name}={value}\n" for name, value in values.items()))


def _issue_client(authority: Authority, path: Path, name: str) -> None:
    if not is_good(path, authority):
        certificate, key = authority.client(name)
        write_private(path.with_suffix(".key"), key)
        write_private(path, certificate)


def _without_key(pem: bytes) -> bytes:
    certificates = load_pem_x509_certificates(pem)
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def _digest(folders: Sequence[Path]) -> str:
    digest = sha256()
    for folder in folders:
        for file in sorted(folder.iterdir()):
            # The broker reads the list of revoked certificates again without a restart.
            if file.name != "crl.pem":
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _read_settings(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    pairs = (
        line.partition("=") for line in file.read_text().splitlines() if line and not line.startswith("#")
    )
    return {name: value for name, _, value in pairs}
