"""What the banner says about signing in."""

from pathlib import Path

import pytest

from microgrid_standalone.banner import banner
from microgrid_standalone.settings import StandaloneSettings


def test_the_prototype_is_told_its_credentials(tmp_path: Path) -> None:
    assert "prototype_token" in banner(StandaloneSettings(auth_mode="prototype", data_dir=tmp_path))


def test_where_users_are_kept_it_says_how_to_make_the_first_and_no_credentials(tmp_path: Path) -> None:
    text = banner(StandaloneSettings(auth_mode="local", data_dir=tmp_path))

    assert "prototype_token" not in text
    assert "microgrid-api create-admin" in text
    assert f"MICROGRID_REDIS_URL=unix://{tmp_path}/valkey/valkey.sock" in text


def test_with_cognito_it_names_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("REGION", "eu-west-1"),
        ("USER_POOL_ID", "eu-west-1_AbCdEfGhI"),
        ("CLIENT_ID", "app"),
    ):
        monkeypatch.setenv(f"MICROGRID_COGNITO_{name}", value)

    text = banner(StandaloneSettings(auth_mode="cognito", data_dir=tmp_path))

    assert "prototype_token" not in text
    assert "Cognito" in text
