"""The command that makes the first administrator, on a real Redis."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from microgrid_api.__main__ import application
from microgrid_api.identity.local_users.signing_key import kept_signing_key
from microgrid_api.settings import ApiSettings
from microgrid_api.wiring import build
from microgrid_common.ports.identity import Caller
from microgrid_common.schemas.audit import AuditEntry

PASSWORD = "correct horse"


def create_admin(*arguments: str, password: str = PASSWORD) -> Result:
    return CliRunner().invoke(application, ["create-admin", *arguments], input=f"{password}\n")


@pytest.fixture
def _local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MICROGRID_AUTH_MODE", "local")
    monkeypatch.setenv("MICROGRID_TELEMETRY_STORE", "sqlite")


@pytest.mark.usefixtures("_local")
@pytest.mark.integration
class TestOnRedis:
    @pytest.fixture(autouse=True)
    def _on(self, monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
        monkeypatch.setenv("MICROGRID_REDIS_URL", redis_url)

    def test_who_was_made_logs_in_and_may_do_everything(self) -> None:
        outcome = create_admin("root", "--name", "Root")
        assert (outcome.exit_code, outcome.stdout) == (
            0,
            "root may now log in, and do everything in every grid.\n",
        )
        caller = asyncio.run(_log_in())
        assert (caller.username, dict(caller.grants)) == ("root", {"*": "admin"})

    def test_an_administrator_from_the_command_line_is_on_record(self) -> None:
        create_admin("root")
        create_admin("root")
        [entry] = asyncio.run(_recorded())
        assert (entry.who, entry.action, entry.target) == ("command line", "user.create", "root")
        assert PASSWORD not in entry.model_dump_json()

    def test_a_name_that_is_taken_is_refused(self) -> None:
        assert create_admin("root").exit_code == 0
        again = create_admin("root", password="another horse")
        assert (again.exit_code, again.stderr) == (
            1,
            "microgrid-api: there is a user of this name already\n",
        )

    def test_a_weak_password_is_refused(self) -> None:
        outcome = create_admin("root", password="root")
        assert outcome.exit_code == 1
        assert "10 to 256 characters" in outcome.stderr


async def _log_in() -> Caller:
    async with build(ApiSettings()) as ports:
        tokens = await ports.identity.log_in("root", PASSWORD)
        # Another process reads the same key from the data folder.
        async with build(ApiSettings()) as others:
            return await others.identity.caller(tokens.access_token)


async def _recorded() -> list[AuditEntry]:
    async with build(ApiSettings()) as ports:
        return [one.entry for one in (await ports.audit.find(None, limit=9)).entries]


@pytest.mark.usefixtures("_local")
def test_a_store_that_is_away_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_REDIS_URL", "unix:///nowhere/redis.sock")
    outcome = create_admin("root")
    assert outcome.exit_code == 1
    assert outcome.stderr.count("\n") == 1
    assert "MICROGRID_REDIS_URL" in outcome.stderr


@pytest.mark.usefixtures("_local")
def test_a_name_that_cannot_be_is_refused() -> None:
    outcome = create_admin("Root")
    assert outcome.exit_code == 2
    assert "lower-case letters" in outcome.stderr


@pytest.mark.usefixtures("_local")
def test_in_another_mode_it_says_what_is_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROGRID_AUTH_MODE", "prototype")
    outcome = create_admin("root")
    assert outcome.exit_code == 2
    assert "MICROGRID_AUTH_MODE" in outcome.stderr


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    key = kept_signing_key(folder)
    assert len(key) == 48
    assert kept_signing_key(folder) == key
    assert (folder / "api-signing-key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["api-signing-key"]
