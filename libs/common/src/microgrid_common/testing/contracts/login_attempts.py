"""What every `LoginAttempts` must do."""

import asyncio
from datetime import timedelta

from microgrid_common.ports.login_attempts import FREE_ATTEMPTS, LONGEST_WAIT, LoginAttempts
from microgrid_common.testing.samples import SAMPLE_TIME


class LoginAttemptsContract:
    """Needs a fixture `attempts`, an empty `LoginAttempts`."""

    async def test_after_some_tries_the_wait_doubles_with_each(self, attempts: LoginAttempts) -> None:
        """Up to the longest one. What is not let through does not count."""
        at = SAMPLE_TIME
        for _ in range(FREE_ATTEMPTS):
            assert await attempts.attempt("maria", at=at) is None
        waits = []
        for _ in range(12):
            wait = await attempts.attempt("maria", at=at)
            assert wait is not None
            assert await attempts.attempt("maria", at=at) == wait
            almost = at + wait - timedelta(microseconds=1)
            assert await attempts.attempt("maria", at=almost) == timedelta(microseconds=1)
            at += wait
            assert await attempts.attempt("maria", at=at) is None
            waits.append(wait)
        assert waits == [timedelta(seconds=2**n) for n in range(10)] + [LONGEST_WAIT] * 2

    async def test_tries_at_the_same_moment_all_count(self, attempts: LoginAttempts) -> None:
        """Else many at once would get around it."""
        outcomes = await asyncio.gather(*(attempts.attempt("maria", at=SAMPLE_TIME) for _ in range(30)))
        assert outcomes.count(None) == FREE_ATTEMPTS

    async def test_one_that_was_right_starts_anew(self, attempts: LoginAttempts) -> None:
        """For this user alone."""
        for name in ("maria", "jonas"):
            for _ in range(FREE_ATTEMPTS):
                assert await attempts.attempt(name, at=SAMPLE_TIME) is None
        await attempts.clear("maria")
        assert await attempts.attempt("maria", at=SAMPLE_TIME) is None
        assert await attempts.attempt("jonas", at=SAMPLE_TIME) is not None
