"""The scan that `make check` does would find what must never be in a commit."""

from pathlib import Path

import pytest
from deploy.compose.installation import Installation
from tests.secret_scan.scanner import secrets_in

pytestmark = pytest.mark.integration


def test_every_secret_that_make_up_makes_would_be_found(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state", tmp_path / "compose.env", {})
    installation.prepare()
    files = [path for path in installation.secrets.rglob("*") if path.is_file()]
    secret = {
        str(path.relative_to(installation.secrets))
        for path in files
        if path.suffix == ".env" or b"PRIVATE KEY" in path.read_bytes()
    }
    assert {"ca/ca.key", "proxy/server.pem", "api.env", "redis-admin.env"} < secret
    # Certificates, rights, and passwords as hashes are none.
    assert set(secrets_in(installation.secrets)) == secret


def test_what_everybody_knows_is_no_secret(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "README.md").write_text("curl -H 'Authorization: Bearer prototype_token' localhost:8000\n")
    assert secrets_in(folder) == {}
