"""Which tokens of a user pool are good here, and what they say."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws

from microgrid_common.adapters.cognito.groups import grants_of
from microgrid_common.adapters.cognito.signing_keys import SigningKeys
from microgrid_common.adapters.cognito.token_check import LEEWAY_SECONDS, LONGEST_TOKEN, TokenCheck
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import TokenProblem, TokenRefusedError
from microgrid_common.schemas.user import Role
from microgrid_common.testing.jwks_server import JwksServer, jwks_server, signed, signing_key

NOW = 1_800_000_000
ISSUER = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example01"
CLIENT_ID = "1h57kf5cpq17m0eml12EXAMPLE"

Forge = Callable[[], str]


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with jwks_server() as server:
        yield server


@pytest.fixture
async def keys(server: JwksServer) -> AsyncIterator[SigningKeys]:
    keys = SigningKeys(server.url)
    yield keys
    await keys.aclose()


@pytest.fixture
def check(keys: SigningKeys) -> TokenCheck:
    return TokenCheck(keys, issuer=ISSUER, client_id=CLIENT_ID, now=lambda: NOW)


def claims(**changes: Any) -> dict[str, Any]:
    """Those of an access token as Cognito gives it out; a change to None leaves one out."""
    usual = {
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cognito:groups": ["viewer", "technician:village-1"],
        "iss": ISSUER,
        "version": 2,
        "client_id": CLIENT_ID,
        "origin_jti": "origin-1",
        "event_id": "event-1",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin openid",
        "auth_time": NOW - 60,
        "exp": NOW + 3600,
        "iat": NOW - 60,
        "jti": "jti-1",
        "username": "maria",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def id_claims(**changes: Any) -> dict[str, Any]:
    named = {"client_id": None, "username": None, "aud": CLIENT_ID, "cognito:username": "maria"}
    return claims(token_use="id", **{**named, **changes})


def with_claims(**changes: Any) -> Forge:
    return lambda: signed(claims(**changes), signing_key("one"))


def with_header(**header: Any) -> Forge:
    """A token whose signature is right for the header that it has."""
    return by_hand({"alg": "RS256", "kid": "one", **header}, rsa_signature(hashes.SHA256()))


def with_payload(payload: bytes) -> Forge:
    return lambda: jws.serialize_compact({"alg": "RS256", "kid": "one"}, payload, signing_key("one"))


def encoded(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def by_hand(header: Any, sign: Callable[[bytes], bytes]) -> Forge:
    def forge() -> str:
        content = f"{encoded(header)}.{encoded(claims())}"
        signature = base64.urlsafe_b64encode(sign(content.encode())).decode().rstrip("=")
        return f"{content}.{signature}"

    return forge


def rsa_signature(
    algorithm: hashes.HashAlgorithm, how: padding.AsymmetricPadding | None = None
) -> Callable[[bytes], bytes]:
    def sign(content: bytes) -> bytes:
        key = signing_key("one").private_key
        assert key is not None
        return key.sign(content, how or padding.PKCS1v15(), algorithm)

    return sign


def hmac_with_public_key(content: bytes) -> bytes:
    return hmac.digest(signing_key("one").as_pem(private=False), content, hashlib.sha256)


def other_payload() -> str:
    header, _, signature = with_claims()().split(".")
    return f"{header}.{encoded(claims(username='admin'))}.{signature}"


def without_signature() -> str:
    header, payload, _ = with_claims()().split(".")
    return f"{header}.{payload}."


FORGED: dict[str, Forge] = {
    "nothing": lambda: "",
    "text": lambda: "prototype_token",
    "dots": lambda: "..",
    "five parts": lambda: "a.b.c.d.e",
    "not ASCII": lambda: with_claims()() + "ü",
    "half a character": lambda: "\ud800",
    "too long": with_claims(padding="x" * LONGEST_TOKEN),
    "no algorithm": by_hand({"kid": "one"}, lambda _: b""),
    "the algorithm none": by_hand({"alg": "none", "kid": "one"}, lambda _: b""),
    "the algorithm None": by_hand({"alg": "None", "kid": "one"}, lambda _: b""),
    "the public key as a secret": by_hand({"alg": "HS256", "kid": "one"}, hmac_with_public_key),
    "an algorithm that is a list": by_hand({"alg": ["RS256"], "kid": "one"}, lambda _: b"x"),
    "a header that is a list": by_hand(["alg", "kid", "b64"], lambda _: b"x"),
    "a header that is text": by_hand("alg kid b64", lambda _: b"x"),
    "nothing critical": by_hand({"alg": "RS256", "kid": "one", "crit": None}, lambda _: b"x"),
    "RS512 with the right key": by_hand({"alg": "RS512", "kid": "one"}, rsa_signature(hashes.SHA512())),
    "PS256 with the right key": by_hand(
        {"alg": "PS256", "kid": "one"},
        rsa_signature(hashes.SHA256(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)),
    ),
    "no name of a key": lambda: jws.serialize_compact({"alg": "RS256"}, "{}", signing_key("one")),
    "an empty name of a key": with_header(kid=""),
    "a long name of a key": with_header(kid="x" * 129),
    "an unknown name of a key": lambda: signed(claims(), signing_key("forged")),
    "the wrong known key": with_header(kid="two"),
    "another key under a known name": lambda: signed(claims(), signing_key("forged"), kid="one"),
    "a key that it brings along": lambda: signed(
        claims(), signing_key("forged"), jwk=signing_key("forged").as_dict(private=False)
    ),
    "keys that it says where to find": lambda: signed(
        claims(), signing_key("forged"), kid="one", jku="https://forged.example/jwks.json"
    ),
    "something critical that nobody knows": with_header(crit=["exp2"], exp2=1),
    "another payload": other_payload,
    "no signature": without_signature,
    "no JSON": with_payload(b"\xff"),
    "a list of claims": with_payload(b"[]"),
    "deeply nested": with_payload(b"[" * 10_000),
    "no issuer": with_claims(iss=None),
    "another issuer": with_claims(iss=ISSUER + "2"),
    "issuers": with_claims(iss=[ISSUER]),
    "another client": with_claims(client_id="other"),
    "clients": with_claims(client_id=[CLIENT_ID]),
    "no client": with_claims(client_id=None),
    "the client as audience alone": with_claims(client_id=None, aud=CLIENT_ID),
    "an id token": lambda: signed(id_claims(), signing_key("one")),
    "no use": with_claims(token_use=None),
    "another use": with_claims(token_use="refresh"),
    "no end": with_claims(exp=None),
    "an end in words": with_claims(exp="never"),
    "an end that is true": with_claims(exp=True),
    "an end that is no number": with_claims(exp=float("nan")),
    "an endless end": with_claims(exp=float("inf")),
    "an end after all time": with_claims(exp=10**20),
    "no beginning": with_claims(iat=None),
    "made in the future": with_claims(iat=NOW + LEEWAY_SECONDS + 1),
    "good from later on": with_claims(nbf=NOW + LEEWAY_SECONDS + 1),
    "no user": with_claims(username=None),
    "a user without a name": with_claims(username=""),
    "a number as user": with_claims(username=1),
    "a user with a long name": with_claims(username="x" * 129),
    "no subject": with_claims(sub=None),
    "no login": with_claims(origin_jti=None, auth_time=None),
    "a login with a long name": with_claims(origin_jti="x" * 129),
    "groups that are text": with_claims(**{"cognito:groups": "admin"}),
    "groups that are numbers": with_claims(**{"cognito:groups": [1]}),
}


@pytest.mark.parametrize("forge", [with_claims(), with_header(), with_payload(json.dumps(claims()).encode())])
async def test_an_access_token_says_who_it_is(check: TokenCheck, forge: Forge) -> None:
    caller = await check.caller(forge())
    assert (caller.username, caller.login_id) == ("maria", "origin-1")
    assert caller.expires_at == datetime.fromtimestamp(NOW + 3600, UTC)
    assert caller.role_in("village-1") is Role.TECHNICIAN
    assert caller.role_in("village-2") is Role.VIEWER


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_what_is_not_as_it_must_be_is_refused(check: TokenCheck, forge: Forge) -> None:
    with pytest.raises(TokenRefusedError) as refused:
        await check.caller(forge())
    assert refused.value.problem is TokenProblem.INVALID


@pytest.mark.parametrize(
    ("seconds_ago", "good"), [(-1, True), (LEEWAY_SECONDS - 1, True), (LEEWAY_SECONDS, False)]
)
async def test_a_token_ends(check: TokenCheck, seconds_ago: int, good: bool) -> None:  # noqa: FBT001
    token = with_claims(exp=NOW - seconds_ago)()
    if good:
        await check.caller(token)
        return
    with pytest.raises(TokenRefusedError) as refused:
        await check.caller(token)
    assert refused.value.problem is TokenProblem.EXPIRED


async def test_clocks_may_differ_a_little(check: TokenCheck) -> None:
    await check.caller(with_claims(iat=NOW + LEEWAY_SECONDS, nbf=NOW + LEEWAY_SECONDS)())


async def test_id_tokens_are_taken_where_they_are_wanted(keys: SigningKeys) -> None:
    check = TokenCheck(keys, issuer=ISSUER, client_id=CLIENT_ID, accept_id_tokens=True, now=lambda: NOW)
    for good in (claims(), id_claims()):
        assert (await check.caller(signed(good, signing_key("one")))).username == "maria"
    for wrong in (
        id_claims(aud="other"),
        id_claims(aud=None),
        id_claims(aud=None, client_id=CLIENT_ID),
        claims(client_id=None, aud=CLIENT_ID),
        claims(token_use="refresh"),
    ):
        with pytest.raises(TokenRefusedError):
            await check.caller(signed(wrong, signing_key("one")))


async def test_all_tokens_of_a_login_share_its_name(check: TokenCheck) -> None:
    """Also in a pool that gives them no name in common; the next login has another."""
    first, refreshed, next_login = [
        (await check.caller(with_claims(origin_jti=None, jti=jti, auth_time=auth_time)())).login_id
        for jti, auth_time in [("a", NOW - 60), ("b", NOW - 60), ("c", NOW - 59)]
    ]
    assert first == refreshed != next_login


async def test_a_token_is_good_under_a_new_key_and_not_under_one_that_is_withdrawn(
    server: JwksServer,
) -> None:
    time = 0.0
    keys = SigningKeys(server.url, monotonic=lambda: time)
    check = TokenCheck(keys, issuer=ISSUER, client_id=CLIENT_ID, now=lambda: NOW)
    await check.caller(signed(claims(), signing_key("one")))
    server.keys = [signing_key("two"), signing_key("three")]
    time = 60.0
    await check.caller(signed(claims(), signing_key("three")))
    await check.caller(signed(claims(), signing_key("two")))
    with pytest.raises(TokenRefusedError):
        await check.caller(signed(claims(), signing_key("one")))
    assert server.asked == 2


async def test_only_tokens_of_the_right_kind_make_it_fetch_keys(
    server: JwksServer, check: TokenCheck
) -> None:
    for name in ("text", "the algorithm none", "the public key as a secret", "a long name of a key"):
        with pytest.raises(TokenRefusedError):
            await check.caller(FORGED[name]())
    assert server.asked == 0


async def test_without_keys_nothing_is_said_about_a_token(server: JwksServer, check: TokenCheck) -> None:
    server.status = 503
    with pytest.raises(RetryableError):
        await check.caller(with_claims()())


RELAXED = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@RELAXED
@given(place=st.floats(0, 1, exclude_max=True), sign=st.characters(codec="utf-8"))
async def test_a_token_is_not_good_with_any_other_sign_in_it(
    check: TokenCheck, place: float, sign: str
) -> None:
    token = with_claims()()
    index = int(place * len(token))
    changed = f"{token[:index]}{sign}{token[index + 1 :]}"
    if changed == token:
        return
    with pytest.raises(TokenRefusedError):
        await check.caller(changed)


HEADER_NAMES = st.sampled_from(["alg", "kid", "crit", "b64", "typ"])
HEADER_VALUES = st.none() | st.booleans() | st.integers() | st.sampled_from(["RS256", "none", "one", "b64"])


@RELAXED
@given(
    header=st.recursive(
        HEADER_VALUES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HEADER_NAMES, inner),
        max_leaves=8,
    )
)
async def test_a_header_of_any_form_is_refused(check: TokenCheck, header: Any) -> None:
    with pytest.raises(TokenRefusedError):
        await check.caller(by_hand(header, lambda _: b"signature")())


@pytest.mark.parametrize(
    ("groups", "grants"),
    [
        ([], {}),
        (["admin"], {"*": Role.ADMIN}),
        (["viewer", "technician:village-1"], {"*": Role.VIEWER, "village-1": Role.TECHNICIAN}),
        (["viewer:a", "admin:a", "technician:a"], {"a": Role.ADMIN}),
        (["admin", "viewer"], {"*": Role.ADMIN}),
        (
            [
                "Admin",
                "root",
                "",
                ":",
                "admin:",
                "admin:*",
                ":a",
                "admin:a:b",
                "admin:a b",
                "eu-west-1_Google",
            ],
            {},
        ),
    ],
)
def test_groups_are_grants(groups: list[str], grants: dict[str, Role]) -> None:
    assert grants_of(groups) == grants
