"""What is made before the containers start, so that they can be watched."""

from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate
from deploy.compose.installation import Installation
from tests.observability.files import COMPOSE, read_yaml


def prepared(state: Path) -> Installation:
    installation = Installation(state, state / ".env", {})
    installation.prepare()
    return installation


def test_the_ingestor_sees_when_certificates_of_others_end_and_not_their_keys(tmp_path: Path) -> None:
    secrets = prepared(tmp_path).secrets
    watched = read_yaml(COMPOSE)["services"]["ingestor"]["environment"]["MICROGRID_WATCHED_CERTIFICATES"]
    files = [secrets / "ingestor" / Path(path).name for path in watched.split(",")]
    for file, whose in zip(files, ("mosquitto", "proxy"), strict=True):
        assert b"PRIVATE KEY" not in file.read_bytes()
        original = load_pem_x509_certificate((secrets / whose / "server.pem").read_bytes())
        assert load_pem_x509_certificate(file.read_bytes()) == original


def test_the_password_of_grafana_is_made_once(tmp_path: Path) -> None:
    passwords = [
        prepared(tmp_path / folder).value("grafana", "GF_SECURITY_ADMIN_PASSWORD")
        for folder in ("one", "one", "other")
    ]
    assert passwords[0]
    assert passwords[0] == passwords[1] != passwords[2]


def test_prometheus_and_grafana_have_a_folder_to_write_to(tmp_path: Path) -> None:
    prepared(tmp_path)
    for name in ("prometheus", "grafana"):
        assert (tmp_path / "data" / name).is_dir()
