"""The compose project of `deploy/compose` under a name and on ports of its own, and clients for it."""

import json
import queue
import secrets
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import httpx
import pytest
from deploy.compose.installation import Installation
from deploy.compose.up import Deployment, what_docker_lacks
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

IMAGES = ("eclipse-mosquitto:2", "redis:8", "influxdb:2.7", "haproxy:3.0", "python:3.13-slim-trixie")
PULL_SECONDS = 60
ANSWER_SECONDS = 20
ADMINISTRATOR, PASSWORD = "amina", f"{secrets.token_urlsafe(16)}-aA1"
GRID = "village-1"


@dataclass(frozen=True, slots=True)
class System:
    """What runs, and how to reach it."""

    deployment: Deployment
    https_port: int
    mqtts_port: int

    @property
    def authority_file(self) -> Path:
        return self.deployment.installation.secrets / "ca" / "ca.pem"

    def https(self) -> httpx.AsyncClient:
        """A client that believes the system's own authority alone."""
        trust = ssl.create_default_context(cafile=self.authority_file)
        return httpx.AsyncClient(base_url=f"https://localhost:{self.https_port}", verify=trust)

    @asynccontextmanager
    async def as_user(self, username: str, password: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the API that is logged in."""
        async with self.https() as client:
            login = await client.post("/api/auth/login", json={"username": username, "password": password})
            client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['access_token']}"
            yield client

    def redis_cli(self, user: str, password: str, *command: str) -> str:
        call = ("redis-cli", "--user", user, "--pass", password, "--no-auth-warning", *command)
        return self.deployment.compose("exec", "-T", "redis", *call)

    def containers(self, form: str) -> list[str]:
        """What a Go template gives of each container."""
        ids = self.deployment.compose("ps", "--quiet").split()
        asked = ("docker", "inspect", "--format", form, *ids)
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()


@contextmanager
def running(state: Path, project: str) -> Iterator[System]:
    """Bring it up, make an administrator, and take it down again, whatever happens."""
    with started(state, project) as system:
        system.deployment.compose(
            *("exec", "-T", "api", "microgrid-api", "create-admin", ADMINISTRATOR), stdin=f"{PASSWORD}\n"
        )
        yield system


@contextmanager
def started(state: Path, project: str) -> Iterator[System]:
    """Bring up what the folder holds, and take it down again, whatever happens."""
    settings = {
        "MICROGRID_PROJECT": project,
        "MICROGRID_VERSION": "test",
        # Docker takes free ones.
        "MICROGRID_HTTPS_PORT": "0",
        "MICROGRID_MQTTS_PORT": "0",
    }
    deployment = Deployment(Installation(state, state / "compose.env", settings), quiet=True)
    deployment.installation.prepare()
    try:
        deployment.up()
        yield System(deployment, port_of(deployment, "proxy", 8443), port_of(deployment, "mosquitto", 8883))
    finally:
        deployment.compose("down", "--timeout", "5")


def skip_without_images() -> None:
    """Skip the test, and say so, where the containers cannot be started."""
    if problem := what_docker_lacks():
        pytest.skip(f"the containers of make up were NOT tested: {problem}")
    for image in IMAGES:
        if not _is_there(image):
            pytest.skip(f"the containers of make up were NOT tested: no image {image} here, nor to be pulled")


def _is_there(image: str) -> bool:
    look = ("docker", "image", "inspect", image)
    if subprocess.run(look, capture_output=True, check=False).returncode == 0:
        return True
    pull = ("docker", "pull", "-q", image)
    try:
        pulled = subprocess.run(pull, capture_output=True, check=False, timeout=PULL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0


def telemetry(consumption_kw: float, *, at: datetime | None = None) -> str:
    """A reading as a device sends it; of this moment, unless told."""
    timestamp = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"schema": 1, "timestamp": timestamp, "metrics": {"consumption_kw": consumption_kw}})


def port_of(deployment: Deployment, service: str, inside: int) -> int:
    return int(deployment.compose("port", service, str(inside)).strip().rpartition(":")[2])


class ConnectedDevice:
    """A device with its certificate, which stays in the folder for the next one; a context manager."""

    def __init__(self, system: System, folder: Path, device_id: str) -> None:
        self.device_id = device_id
        self._system = system
        if not (folder / f"{device_id}.pem").exists():
            certificate, key = system.deployment.installation.authority.device(GRID, device_id)
            (folder / f"{device_id}.pem").write_bytes(certificate)
            (folder / f"{device_id}.key").write_bytes(key)
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="anybody", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.tls_set(
            str(system.authority_file), str(folder / f"{device_id}.pem"), str(folder / f"{device_id}.key")
        )
        self._events: queue.Queue[str] = queue.Queue()
        self._outcomes: queue.Queue[str] = queue.Queue()
        self.heard: queue.Queue[str] = queue.Queue()
        """The topics of the messages that came."""
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect("localhost", self._system.mqtts_port)
        self._client.loop_start()
        assert self._events.get(timeout=ANSWER_SECONDS) == "Success"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str) -> str:
        """Publish, and say what the broker thinks of it."""
        self._client.publish(topic, payload, qos=1)
        return self._outcomes.get(timeout=ANSWER_SECONDS)

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, qos=1)
        self._events.get(timeout=ANSWER_SECONDS)

    def topic(self, rest: str) -> str:
        return f"microgrid/{GRID}/device/{self.device_id}/{rest}"

    def _on_connect(
        self, _c: Client, _d: object, _f: object, code: ReasonCode, _p: Properties | None
    ) -> None:
        self._events.put(str(code))

    def _on_subscribe(
        self, _c: Client, _d: object, _m: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        self._events.put(str(codes[0]))

    def _on_publish(self, _c: Client, _d: object, _m: int, code: ReasonCode, _p: Properties) -> None:
        self._outcomes.put(str(code))

    def _on_message(self, _c: Client, _d: object, message: MQTTMessage) -> None:
        self.heard.put(message.topic)
