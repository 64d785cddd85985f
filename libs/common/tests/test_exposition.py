"""Figures of the machine and of what a service depends on, as Prometheus reads them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client import REGISTRY

from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.exposition import exposition
from microgrid_common.runtime.grid_labels import OTHER_GRIDS, GridLabels
from microgrid_common.runtime.host_metrics import show_certificates, show_disk
from microgrid_common.runtime.settings import HealthServerSettings, MqttSettings

BEGIN = datetime(2026, 11, 23, 10, tzinfo=UTC)


def certificate(days: int) -> bytes:
    """One that is good for so long."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(BEGIN).not_valid_after(BEGIN + timedelta(days=days))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def expiry_shown(file: Path) -> float | None:
    return REGISTRY.get_sample_value(
        "microgrid_certificate_expiry_timestamp_seconds", {"certificate": str(file)}
    )


async def test_each_scrape_says_whether_dependencies_answer_now() -> None:
    away = True

    async def answers() -> None:
        pass

    async def comes_back() -> None:
        if away:
            raise RetryableError("connection refused")

    dependencies = {"store_that_answers": answers, "store_that_comes_back": comes_back}
    first = (await exposition(dependencies)).decode()
    assert 'microgrid_dependency_up{dependency="store_that_answers"} 1.0' in first
    assert 'microgrid_dependency_up{dependency="store_that_comes_back"} 0.0' in first
    away = False
    second = (await exposition(dependencies)).decode()
    assert 'microgrid_dependency_up{dependency="store_that_comes_back"} 1.0' in second


def test_the_disk_of_a_folder_that_is_not_there_yet_is_that_of_the_nearest_one(tmp_path: Path) -> None:
    show_disk(tmp_path / "data" / "store")
    size = REGISTRY.get_sample_value("microgrid_disk_size_bytes")
    free = REGISTRY.get_sample_value("microgrid_disk_free_bytes")
    assert size is not None
    assert free is not None
    assert 0 <= free < size


def test_of_several_certificates_in_a_file_the_first_to_end_counts(tmp_path: Path) -> None:
    file = tmp_path / "chain.crt"
    file.write_bytes(certificate(days=90) + certificate(days=30))
    show_certificates([file])
    assert expiry_shown(file) == (BEGIN + timedelta(days=30)).timestamp()


def test_a_renewed_certificate_is_seen_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "broker.crt"
    file.write_bytes(certificate(days=1))
    show_certificates([file])
    file.write_bytes(certificate(days=365))
    show_certificates([file])
    assert expiry_shown(file) == (BEGIN + timedelta(days=365)).timestamp()


@pytest.mark.parametrize(
    "content",
    [None, b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nMIIB"],
    ids=["missing", "empty", "other", "cut"],
)
def test_one_that_cannot_be_read_is_shown_as_long_over(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "broken.crt"
    if content is not None:
        file.write_bytes(content)
    show_certificates([file])
    assert expiry_shown(file) == 0


def test_certificates_to_watch_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_WATCHED_CERTIFICATES", "/tls/broker.crt, /tls/proxy.crt")
    assert HealthServerSettings(_env_file=None).watched_certificates == (
        Path("/tls/broker.crt"),
        Path("/tls/proxy.crt"),
    )


def test_the_certificates_of_mqtt_are_those_that_are_given() -> None:
    assert MqttSettings(_env_file=None).mqtt_certificates == ()
    settings = MqttSettings(
        _env_file=None,
        mqtt_ca_file=Path("ca.crt"),
        mqtt_certificate_file=Path("own.crt"),
        mqtt_key_file=Path("own.key"),
    )
    assert settings.mqtt_certificates == (Path("ca.crt"), Path("own.crt"))


def test_grids_beyond_the_limit_share_one_label() -> None:
    labels = GridLabels(most=2)
    assert [labels.of(grid) for grid in ("a", "b", "c", "a", "d")] == [
        "a",
        "b",
        OTHER_GRIDS,
        "a",
        OTHER_GRIDS,
    ]
