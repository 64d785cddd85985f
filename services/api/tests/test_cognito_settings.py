"""What the settings need to know of a user pool."""

import pytest
from pydantic import ValidationError

from microgrid_api.settings import ApiSettings
from microgrid_common.runtime.settings import describe_problems

NEEDED = {
    "MICROGRID_COGNITO_REGION": "eu-west-1",
    "MICROGRID_COGNITO_USER_POOL_ID": "eu-west-1_Example01",
    "MICROGRID_COGNITO_CLIENT_ID": "1h57kf5cpq17m0eml12EXAMPLE",
}


@pytest.fixture(autouse=True)
def _no_other_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in {"MICROGRID_AUTH_MODE": "cognito", **NEEDED, **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        ApiSettings()
    return describe_problems(caught.value)


def test_a_pool_and_a_client_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MICROGRID_AUTH_MODE": "cognito", **NEEDED}.items():
        monkeypatch.setenv(name, value)
    # Its tokens end and its passwords are secret: it may listen where others can reach it.
    monkeypatch.setenv("MICROGRID_API_HOST", "0.0.0.0")
    settings = ApiSettings()
    assert settings.cognito_client_secret is None
    assert not settings.cognito_accept_id_tokens


@pytest.mark.parametrize("left_out", NEEDED)
def test_all_of_it_is_needed(monkeypatch: pytest.MonkeyPatch, left_out: str) -> None:
    assert problems(monkeypatch, **{left_out: ""}) == (
        f"{left_out}: it is needed where MICROGRID_AUTH_MODE is cognito"
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MICROGRID_COGNITO_REGION", "eu-west-1.evil.example"),
        ("MICROGRID_COGNITO_REGION", "Ireland"),
        ("MICROGRID_COGNITO_USER_POOL_ID", "eu-west-1"),
        ("MICROGRID_COGNITO_USER_POOL_ID", "eu-west-1_a/../b"),
        ("MICROGRID_COGNITO_CLIENT_ID", "a b"),
        ("MICROGRID_COGNITO_REFRESH_DAYS", "0"),
        ("MICROGRID_COGNITO_REFRESH_DAYS", "nan"),
        ("MICROGRID_COGNITO_ACCEPT_ID_TOKENS", "perhaps"),
        ("MICROGRID_COGNITO_URL", "http://cognito-idp.eu-west-1.amazonaws.com"),
        ("MICROGRID_COGNITO_URL", "https://cognito-idp.eu-west-1.amazonaws.com/"),
        ("MICROGRID_COGNITO_URL", "http://localhost.evil.example"),
        ("MICROGRID_COGNITO_URL", "https://user:password@cognito.example"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    assert problems(monkeypatch, **{variable: value}).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    "url",
    ["https://cognito-idp.cn-north-1.amazonaws.com.cn", "http://127.0.0.1:9229", "http://localhost:9229"],
)
def test_another_endpoint_may_be_named(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MICROGRID_COGNITO_URL", url)
    assert ApiSettings().cognito_url == url
