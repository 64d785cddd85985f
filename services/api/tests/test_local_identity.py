"""Logins with passwords: tokens that end, that rotate, and that are refused."""

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from services.api.tests.people import KEY, PASSWORD, People
from services.api.tests.stopped_clock import Clock

from microgrid_api.identity.local_users.identity import IDLE_LIFETIME, LONGEST_LOGIN, RENEWAL_GRACE
from microgrid_api.identity.local_users.passwords import WeakPasswordError
from microgrid_api.identity.local_users.token_signing import ACCESS_LIFETIME, SHORTEST_KEY, TokenSigner
from microgrid_api.identity.local_users.user_desk import LastAdministratorError, UnknownUserError
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.identity import Caller, LoginRefusedError, TokenProblem, TokenRefusedError
from microgrid_common.ports.login_attempts import FIRST_WAIT, FREE_ATTEMPTS
from microgrid_common.ports.login_store import MOST_LOGINS_OF_A_USER
from microgrid_common.ports.push_tokens import PushPlatform, PushToken
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.user import Role
from microgrid_common.testing.samples import SAMPLE_TIME

GRANTS = {"village": Role.COMMUNITY_OPERATOR}


@pytest.fixture
async def people(now: Clock) -> People:
    people = People(now)
    await people.make("maria", GRANTS)
    return people


async def problem_with(people: People, token: str) -> TokenProblem:
    with pytest.raises(TokenRefusedError) as caught:
        await people.local.identity.caller(token)
    return caught.value.problem


class TestLogin:
    async def test_the_token_tells_who_may_do_what_until_when(self, people: People, now: Clock) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        caller = await people.local.identity.caller(tokens.access_token)
        assert caller == tokens.caller
        assert (caller.username, caller.grants) == ("maria", GRANTS)
        assert caller.expires_at == now() + ACCESS_LIFETIME

    async def test_a_phone_that_writes_the_name_large_gets_in(self, people: People) -> None:
        assert (await people.local.identity.log_in(" Maria ", PASSWORD)).caller.username == "maria"

    @pytest.mark.parametrize(
        ("username", "password"),
        [
            ("maria", "wrong horse"),
            ("maria", ""),
            ("maria", PASSWORD + " "),
            ("maria", PASSWORD * 100),
            ("nobody", PASSWORD),
            ("no\x00body", PASSWORD),
            ("", PASSWORD),
            ("m" * 10_000, PASSWORD),
            ("maria", "\ud800"),
        ],
    )
    async def test_what_is_wrong_is_not_told(self, people: People, username: str, password: str) -> None:
        with pytest.raises(LoginRefusedError) as caught:
            await people.local.identity.log_in(username, password)
        assert (caught.value.advice, caught.value.retry_after) == (None, None)
        assert people.logins.logins == {}

    async def test_one_who_is_disabled_is_refused(self, people: People) -> None:
        await people.local.desk.change("maria", expected_version=1, name="m", grants=GRANTS, disabled=True)
        with pytest.raises(LoginRefusedError):
            await people.local.identity.log_in("maria", PASSWORD)

    async def test_the_right_password_does_not_help_while_there_is_a_wait(
        self, people: People, now: Clock
    ) -> None:
        for _ in range(FREE_ATTEMPTS):
            with pytest.raises(LoginRefusedError):
                await people.local.identity.log_in("maria", "wrong horse")
        with pytest.raises(LoginRefusedError) as caught:
            await people.local.identity.log_in("maria", PASSWORD)
        assert caught.value.retry_after == FIRST_WAIT
        now.pass_by(FIRST_WAIT)
        assert await people.local.identity.log_in("maria", PASSWORD)

    async def test_of_too_many_logins_the_oldest_end(self, people: People, now: Clock) -> None:
        first = await people.token("maria")
        for _ in range(MOST_LOGINS_OF_A_USER):
            now.pass_by(timedelta(seconds=1))
            await people.token("maria")
        assert await problem_with(people, first) is TokenProblem.REVOKED


class TestAccessToken:
    async def test_it_ends(self, people: People, now: Clock) -> None:
        token = await people.token("maria")
        now.pass_by(ACCESS_LIFETIME - timedelta(seconds=1))
        assert await people.local.identity.caller(token)
        now.pass_by(timedelta(seconds=1))
        assert await problem_with(people, token) is TokenProblem.EXPIRED
        assert await problem_with(people, token) is TokenProblem.EXPIRED

    async def test_it_is_refused_from_the_logout_on(self, people: People) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        other = await people.token("maria")
        await people.local.identity.log_out(tokens.caller)
        assert await problem_with(people, tokens.access_token) is TokenProblem.REVOKED
        assert await people.local.identity.caller(other)

    async def test_while_the_store_is_away_nobody_is_let_in(self, people: People) -> None:
        token = await people.token("maria")
        people.revocations.fail_next(RetryableError("away"))
        with pytest.raises(RetryableError):
            await people.local.identity.caller(token)

    async def test_every_forged_one_is_refused(self, people: People, now: Clock) -> None:
        token = await people.token("maria")
        for forged in _forgeries(token, now):
            assert await problem_with(people, forged) is TokenProblem.INVALID, forged

    async def test_a_refresh_token_is_no_access_token(self, people: People) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        assert await problem_with(people, tokens.refresh_token or "") is TokenProblem.INVALID
        with pytest.raises(TokenRefusedError):
            await people.local.identity.refresh(tokens.access_token)

    async def test_one_of_the_key_before_is_believed_and_of_no_other(
        self, people: People, now: Clock
    ) -> None:
        token = await people.token("maria")
        assert TokenSigner(b"n" * 40, previous_key=KEY, now=now).read_access_token(token)
        with pytest.raises(TokenRefusedError):
            TokenSigner(b"n" * 40, now=now).read_access_token(token)

    def test_a_short_key_is_refused(self, now: Clock) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            TokenSigner(b"k" * (SHORTEST_KEY - 1), now=now)

    def test_one_without_an_end_is_never_made(self, now: Clock) -> None:
        with pytest.raises(ValueError, match="has to end"):
            TokenSigner(KEY, now=now).access_token(Caller("maria", "login", GRANTS, None))

    @given(st.text(max_size=60))
    def test_whatever_is_presented_is_refused_as_invalid(self, text: str) -> None:
        with pytest.raises(TokenRefusedError) as caught:
            TokenSigner(KEY, now=lambda: SAMPLE_TIME).read_access_token(text)
        assert caught.value.problem is TokenProblem.INVALID


def _forgeries(token: str, now: Clock) -> list[str]:
    head, body, signature = token.split(".")
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, body))
    own = RSAKey.generate_key(2048)
    later = {**claims, "exp": int(now().timestamp()) + 10**6}

    def encoded(part: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    def signed(claims: dict[str, object], key: bytes = KEY) -> str:
        return jwt.encode(header, claims, OctKey.import_key(key))

    return [
        "",
        "prototype_token",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{encoded(later)}.{signature}",
        f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        f"{encoded({**header, 'alg': 'none'})}.{encoded(later)}.",
        f"{encoded({**header, 'alg': 'HS512'})}.{body}.{signature}",
        f"{encoded({**header, 'kid': 'other'})}.{body}.{signature}",
        signed(claims, b"x" * 32),
        jwt.encode({**header, "alg": "RS256"}, claims, own),
        signed({**claims, "aud": "another-api"}),
        signed({**claims, "aud": ["microgrid-api", "another-api"]}),
        signed({**claims, "iss": "somebody"}),
        signed({name: value for name, value in claims.items() if name != "exp"}),
        signed({name: value for name, value in claims.items() if name != "sid"}),
        signed({**claims, "grants": {"*": "god"}}),
        signed({**claims, "exp": "tomorrow"}),
        token + "." + signature,
        "a" * 200_000,
    ]


class TestRefresh:
    async def test_it_gives_tokens_for_the_same_login_again_and_again(
        self, people: People, now: Clock
    ) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        for _ in range(5):
            now.pass_by(timedelta(days=10))
            renewed = await people.local.identity.refresh(tokens.refresh_token or "")
            assert renewed.refresh_token != tokens.refresh_token
            assert renewed.caller.login_id == tokens.caller.login_id
            assert await people.local.identity.caller(renewed.access_token) == renewed.caller
            tokens = renewed

    async def test_one_that_is_used_again_later_ends_the_login(self, people: People, now: Clock) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        renewed = await people.local.identity.refresh(tokens.refresh_token or "")
        now.pass_by(RENEWAL_GRACE + timedelta(seconds=1))
        for token in (tokens.refresh_token, renewed.refresh_token):
            with pytest.raises(TokenRefusedError) as caught:
                await people.local.identity.refresh(token or "")
            assert caught.value.problem is TokenProblem.REVOKED
        assert await problem_with(people, renewed.access_token) is TokenProblem.REVOKED

    async def test_one_whose_answer_got_lost_may_be_used_once_more_at_once(
        self, people: People, now: Clock
    ) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        await people.local.identity.refresh(tokens.refresh_token or "")
        now.pass_by(RENEWAL_GRACE)
        again = await people.local.identity.refresh(tokens.refresh_token or "")
        assert await people.local.identity.refresh(again.refresh_token or "")
        # Three renewals on, the first one is old whatever the time.
        with pytest.raises(TokenRefusedError):
            await people.local.identity.refresh(tokens.refresh_token or "")

    async def test_it_ends_when_it_is_not_used(self, people: People, now: Clock) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        now.pass_by(IDLE_LIFETIME)
        with pytest.raises(TokenRefusedError):
            await people.local.identity.refresh(tokens.refresh_token or "")

    async def test_a_login_has_an_end_however_often_it_is_renewed(self, people: People, now: Clock) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        for _ in range(LONGEST_LOGIN // (IDLE_LIFETIME / 2) - 1):
            now.pass_by(IDLE_LIFETIME / 2)
            tokens = await people.local.identity.refresh(tokens.refresh_token or "")
        now.pass_by(IDLE_LIFETIME / 2)
        with pytest.raises(TokenRefusedError):
            await people.local.identity.refresh(tokens.refresh_token or "")

    async def test_the_access_token_never_outlives_the_login(self, people: People, now: Clock) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        started = now()
        for _ in range(2):
            now.pass_by(IDLE_LIFETIME - timedelta(seconds=10))
            tokens = await people.local.identity.refresh(tokens.refresh_token or "")
        now.pass_by(IDLE_LIFETIME - timedelta(seconds=10))
        tokens = await people.local.identity.refresh(tokens.refresh_token or "")
        assert tokens.caller.expires_at == started + LONGEST_LOGIN
        assert tokens.expires_in == timedelta(seconds=30)

    async def test_one_of_a_user_who_is_gone_is_refused(self, people: People) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        await people.users.remove("maria")
        with pytest.raises(TokenRefusedError) as caught:
            await people.local.identity.refresh(tokens.refresh_token or "")
        assert caught.value.problem is TokenProblem.REVOKED


class TestUsers:
    async def test_who_may_do_something_else_is_logged_out(self, people: People) -> None:
        token = await people.token("maria")
        await people.local.desk.change("maria", expected_version=1, name="M", grants=GRANTS, disabled=False)
        assert await people.local.identity.caller(token)
        await people.local.desk.change("maria", expected_version=2, name="M", grants={}, disabled=False)
        assert await problem_with(people, token) is TokenProblem.REVOKED
        assert (await people.local.identity.log_in("maria", PASSWORD)).caller.grants == {}

    async def test_a_change_that_fails_half_way_is_made_whole_by_another_try(self, people: People) -> None:
        token = await people.token("maria")
        people.users.fail_next(RetryableError("away"), after=1)
        with pytest.raises(RetryableError):
            await people.local.desk.change("maria", expected_version=1, name="M", grants={}, disabled=False)
        await people.local.desk.change("maria", expected_version=1, name="M", grants={}, disabled=False)
        assert await problem_with(people, token) is TokenProblem.REVOKED

    async def test_a_new_password_ends_every_login_and_every_push_token(
        self, people: People, now: Clock
    ) -> None:
        tokens = await people.local.identity.log_in("maria", PASSWORD)
        phone = PushToken("t", "maria", PushPlatform.ANDROID, tokens.caller.login_id, now())
        await people.push_tokens.register(phone)
        await people.local.desk.set_password("maria", "another horse")
        assert await problem_with(people, tokens.access_token) is TokenProblem.REVOKED
        assert await people.push_tokens.of_user("maria") == []
        with pytest.raises(LoginRefusedError):
            await people.local.identity.log_in("maria", PASSWORD)
        assert await people.local.identity.log_in("maria", "another horse")

    @pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaa", "maria12345", "MARIA-MARIA-1"])
    async def test_a_weak_password_is_refused(self, people: People, password: str) -> None:
        with pytest.raises(WeakPasswordError):
            await people.local.desk.set_password("maria", password)
        assert await people.token("maria")

    async def test_one_who_is_removed_is_logged_out(self, people: People) -> None:
        token = await people.token("maria")
        assert (await people.local.desk.remove("maria")).username == "maria"
        assert await problem_with(people, token) is TokenProblem.REVOKED
        with pytest.raises(UnknownUserError):
            await people.local.desk.get("maria")

    async def test_the_last_administrator_stays(self, people: People) -> None:
        await people.make("root", {"*": Role.ADMIN})
        with pytest.raises(LastAdministratorError):
            await people.local.desk.remove("root")
        for grants, disabled in [({"*": Role.TECHNICIAN}, False), ({"*": Role.ADMIN}, True)]:
            with pytest.raises(LastAdministratorError):
                await people.local.desk.change(
                    "root", expected_version=1, name="r", grants=grants, disabled=disabled
                )
        await people.make("second", {"*": Role.ADMIN})
        await people.local.desk.remove("root")

    async def test_nobody_undoes_what_somebody_else_changed(self, people: People) -> None:
        await people.local.desk.change("maria", expected_version=1, name="M", grants=GRANTS, disabled=False)
        with pytest.raises(VersionConflictError):
            await people.local.desk.change("maria", expected_version=1, name="m", grants={}, disabled=False)
