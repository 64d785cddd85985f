"""What the settings allow, and what the command says about them."""

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

import microgrid_api.__main__ as command
from microgrid_api.settings import ApiSettings
from microgrid_common.runtime.settings import describe_problems


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_it_listens_on_loopback_by_default() -> None:
    settings = ApiSettings()
    assert (settings.api_host, settings.api_port, settings.auth_mode) == ("127.0.0.1", 8000, "prototype")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_the_prototype_mode_starts_on_loopback(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("MICROGRID_API_HOST", host)
    assert ApiSettings().api_host == host


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "192.168.1.10",
        "10.0.0.1",
        "example.org",
        "localhost.evil.example",
        "127.1",
        "2130706433",
    ],
)
def test_the_prototype_mode_refuses_to_start_on_anything_else(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("MICROGRID_API_HOST", host)
    monkeypatch.setenv("MICROGRID_INFLUX_TOKEN", "secret-text")
    outcome = CliRunner().invoke(command.application, [])
    assert outcome.exit_code == 2
    assert outcome.stderr == (
        "microgrid-api: MICROGRID_API_HOST: the prototype sign-in with its fixed token may only listen on "
        "loopback: 127.0.0.1, ::1 or localhost\n"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MICROGRID_API_PORT", "65536"),
        ("MICROGRID_API_PORT", "http"),
        ("MICROGRID_AUTH_MODE", "none"),
        ("MICROGRID_API_LIVE_CLIENTS", "0"),
        ("MICROGRID_API_LONGEST_SHELVING_HOURS", "0"),
        ("MICROGRID_API_LONGEST_SHELVING_HOURS", "nan"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        ApiSettings()
    assert describe_problems(caught.value).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("http://localhost:5000", ("http://localhost:5000",)),
        (" http://localhost:5000 , https://app.example,", ("http://localhost:5000", "https://app.example")),
        ("", ()),
    ],
)
def test_origins_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, origins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MICROGRID_API_CORS_ORIGINS", text)
    assert ApiSettings().api_cors_origins == origins


@pytest.mark.parametrize("origin", ["*", "localhost:5000", "http://app.example/", "null"])
def test_what_is_no_origin_is_refused(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    monkeypatch.setenv("MICROGRID_API_CORS_ORIGINS", origin)
    with pytest.raises(ValidationError):
        ApiSettings()


def test_the_help_names_every_setting_of_its_own() -> None:
    outcome = CliRunner().invoke(command.application, ["--help"])
    assert outcome.exit_code == 0
    inherited = {"data_dir", "log_level", "log_format"}
    for name in set(ApiSettings.model_fields) - inherited:
        if not name.startswith("influx"):
            assert f"MICROGRID_{name.upper()}" in outcome.stdout
