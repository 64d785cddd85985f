"""Receiver and publisher on a real Mosquitto that asks for TLS, a client certificate or a password."""

import base64
import gc
import hashlib
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from microgrid_common.adapters.mqtt import publisher as publisher_module
from microgrid_common.adapters.mqtt.address import BrokerAddress, TlsFiles, parse_broker_url
from microgrid_common.adapters.mqtt.publisher import AiomqttPublisher
from microgrid_common.adapters.mqtt.receiver import MqttReceiver, ReceiverOptions
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.backoff import Backoff
from microgrid_common.testing.certificates import CertificateAuthority, OpensslMissingError
from microgrid_common.testing.servers import Mosquitto, ServerUnavailableError, mosquitto
from microgrid_common.testing.waiting import free_port, wait_until

# paho leaves it to the garbage collector to close a connection whose TLS handshake failed.
pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]

TOPIC = "microgrid/village-1/device/inverter-1/telemetry"
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # aiomqtt does not notice that a connection ends before the broker has answered.
    monkeypatch.setattr(publisher_module, "CONNECT_TIMEOUT_SECONDS", 1.0)
    yield
    gc.collect()


@dataclass(frozen=True, slots=True)
class Broker:
    """A Mosquitto with a listener that wants client certificates, and a user who needs a password."""

    server: Mosquitto
    tls_port: int
    folder: Path
    password_file: Path
    trusted: TlsFiles
    """What a client needs to get in."""

    def address(self, files: TlsFiles, host: str = "localhost") -> BrokerAddress:
        return parse_broker_url(f"mqtts://{host}:{self.tls_port}", files)

    def with_password(self, password: str) -> BrokerAddress:
        return BrokerAddress("127.0.0.1", self.server.port, "ingestor", password)

    def set_password(self, password: str) -> None:
        self.password_file.write_text(password_line("ingestor", password))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("tls")
    password_file = folder / "passwords"
    password_file.write_text(password_line("ingestor", PASSWORD))
    password_file.chmod(0o600)
    tls_port = free_port()
    try:
        authority = CertificateAuthority(folder)
        own, client = authority.for_host("localhost"), authority.for_client("ingestor")
        settings = (
            f"password_file {password_file}",
            f"listener {tls_port} 127.0.0.1",
            f"cafile {authority.certificate}",
            f"certfile {own.certificate}",
            f"keyfile {own.key}",
            "require_certificate true",
        )
        # A process: the files and the second port are on this machine.
        with mosquitto(more_settings=settings, backend="process") as server:
            trusted = TlsFiles(authority.certificate, client.certificate, client.key)
            yield Broker(server, tls_port, folder, password_file, trusted)
    except (ServerUnavailableError, OpensslMissingError) as error:
        pytest.skip(str(error))


def password_line(user: str, password: str) -> str:
    """A line of a Mosquitto password file."""
    salt, rounds = secrets.token_bytes(12), 101
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    encoded = (base64.b64encode(part).decode() for part in (salt, key))
    return f"{user}:$7${rounds}${'$'.join(encoded)}\n"


@asynccontextmanager
async def receiving(address: BrokerAddress) -> AsyncIterator[MqttReceiver]:
    options = ReceiverOptions(
        client_id=f"test-{uuid4().hex}",
        topic_filters=["microgrid/#"],
        settled_after=timedelta(milliseconds=100),
    )
    impatient = Backoff(longest=timedelta(milliseconds=200))
    async with MqttReceiver(address, options, backoff=impatient) as source:
        yield source


@asynccontextmanager
async def publishing(address: BrokerAddress) -> AsyncIterator[AiomqttPublisher]:
    async with AiomqttPublisher(address, client_id=f"test-{uuid4().hex}") as sender:
        yield sender


async def connected(either: MqttReceiver | AiomqttPublisher) -> bool:
    await either.ping()
    return True


async def until_connected(either: MqttReceiver | AiomqttPublisher) -> None:
    await wait_until(lambda: connected(either), timeout=60, description="the connection")


async def refusal(address: BrokerAddress, advice: str) -> str:
    """Why neither of both gets in, which must contain `advice`."""
    async with publishing(address) as sender:
        with pytest.raises(RetryableError) as refused:
            await sender.ping()
    async with receiving(address) as source:

        async def problem() -> str:
            with pytest.raises(RetryableError) as error:
                await source.ping()
            return str(error.value) if advice in str(error.value) else ""

        description = f"the receiver to say {advice!r}"
        problems = f"{refused.value}\n{await wait_until(problem, timeout=60, description=description)}"
    assert advice in str(refused.value)
    return problems


async def test_a_client_certificate_lets_both_in(broker: Broker) -> None:
    address = broker.address(broker.trusted)
    async with receiving(address) as source, publishing(address) as sender:
        await until_connected(source)
        await sender.publish(TOPIC, b"secret")
        assert [message.payload for message in (await source.receive()).messages] == [b"secret"]


async def test_a_broker_of_an_unknown_authority_is_refused(broker: Broker) -> None:
    stranger = CertificateAuthority(broker.folder, "stranger").certificate
    files = replace(broker.trusted, certificate_authority=stranger)
    await refusal(broker.address(files), "check MICROGRID_MQTT_CA_FILE")


async def test_a_broker_with_the_certificate_of_another_host_is_refused(broker: Broker) -> None:
    await refusal(broker.address(broker.trusted, host="127.0.0.1"), "check the host in MICROGRID_MQTT_URL")


async def test_a_client_without_a_certificate_is_told_what_is_missing(broker: Broker) -> None:
    files = replace(broker.trusted, certificate=None, key=None)
    await refusal(broker.address(files), "check MICROGRID_MQTT_CERTIFICATE_FILE and _KEY_FILE")


async def test_a_client_with_a_certificate_of_a_stranger_is_told_so(broker: Broker) -> None:
    stranger = CertificateAuthority(broker.folder, "stranger").for_client("burglar")
    files = replace(broker.trusted, certificate=stranger.certificate, key=stranger.key)
    await refusal(broker.address(files), "check MICROGRID_MQTT_CERTIFICATE_FILE and _KEY_FILE")


async def test_tls_on_a_port_without_it_is_told_apart(broker: Broker) -> None:
    address = replace(broker.address(broker.trusted), port=broker.server.port)
    await refusal(address, "check that the broker speaks TLS at MICROGRID_MQTT_URL")


async def test_a_port_that_wants_tls_is_told_apart(broker: Broker) -> None:
    await refusal(BrokerAddress("127.0.0.1", broker.tls_port), "without TLS, at MICROGRID_MQTT_URL")


async def test_a_file_that_is_not_there_is_named(broker: Broker) -> None:
    missing = broker.folder / "missing.pem"
    files = replace(broker.trusted, certificate_authority=missing)
    assert str(missing) in await refusal(broker.address(files), "check MICROGRID_MQTT_CA_FILE")
    files = replace(broker.trusted, key=missing)
    await refusal(broker.address(files), "check MICROGRID_MQTT_CERTIFICATE_FILE and MICROGRID_MQTT_KEY_FILE")


async def test_both_connect_once_the_right_authority_is_in_the_file(broker: Broker) -> None:
    stranger = CertificateAuthority(broker.folder, "stranger").certificate
    file = Path(shutil.copy(stranger, broker.folder / "to-be-mended.pem"))
    address = broker.address(replace(broker.trusted, certificate_authority=file))
    with capture_logs() as lines:
        async with receiving(address) as source, publishing(address) as sender:
            for either in (source, sender):
                with pytest.raises(RetryableError):
                    await either.ping()
            await wait_until(lambda: lines, timeout=60, description="the refusal in the log")
            assert broker.trusted.certificate_authority
            shutil.copy(broker.trusted.certificate_authority, file)
            await until_connected(source)
            await until_connected(sender)
            await wait_until(lambda: len(lines) == 2, timeout=60, description="the return in the log")
    assert [line["event"] for line in lines] == ["dependency_away", "dependency_back"]


async def test_a_password_lets_both_in(broker: Broker) -> None:
    address = broker.with_password(PASSWORD)
    async with receiving(address) as source, publishing(address) as sender:
        await until_connected(source)
        await until_connected(sender)


async def test_a_wrong_password_is_said_to_be_wrong_and_is_not_said(broker: Broker) -> None:
    with capture_logs() as lines:
        problem = await refusal(broker.with_password("battery staple"), "check the user and password")
    assert lines
    assert "staple" not in f"{problem} {lines}"


async def test_the_receiver_connects_once_the_broker_knows_the_password(broker: Broker) -> None:
    async with receiving(broker.with_password("new")) as source:
        with pytest.raises(RetryableError):
            await source.ping()
        broker.set_password("new")
        broker.server.backend.signal(signal.SIGHUP)
        await until_connected(source)
    broker.set_password(PASSWORD)
    broker.server.backend.signal(signal.SIGHUP)
