"""What every `IdempotencyStore` must do."""

import asyncio

import pytest

from microgrid_common.ports.idempotency_store import (
    IdempotencyStore,
    KeptAnswer,
    KeyedRequest,
    KeyReusedError,
    StillAnsweringError,
)

_ANSWER = KeptAnswer(
    status=201, headers=(("etag", '"1"'), ("location", "/é")), body=b'{"name":"\xc3\xbc"}\x00\xff'
)


class IdempotencyStoreContract:
    """Needs a fixture `answers`, an empty `IdempotencyStore`."""

    async def test_what_was_answered_is_told_again_as_it_was(self, answers: IdempotencyStore) -> None:
        """As often as it is asked for."""
        request = KeyedRequest("key-1", "content")
        assert await answers.begin(request) is None
        await answers.finish(request, _ANSWER)
        assert [await answers.begin(request) for _ in range(2)] == [_ANSWER, _ANSWER]

    async def test_keys_do_not_meet(self, answers: IdempotencyStore) -> None:
        """Also when one begins with the other, or the content is the same."""
        await answers.finish(KeyedRequest("key-1", "content"), _ANSWER)
        assert await answers.begin(KeyedRequest("key-11", "content")) is None
        assert await answers.begin(KeyedRequest("key-", "content")) is None

    async def test_a_key_is_for_one_request(self, answers: IdempotencyStore) -> None:
        """Before and after it is answered."""
        request, other = KeyedRequest("key-1", "content"), KeyedRequest("key-1", "other")
        await answers.begin(request)
        with pytest.raises(KeyReusedError):
            await answers.begin(other)
        await answers.finish(request, _ANSWER)
        with pytest.raises(KeyReusedError):
            await answers.begin(other)

    async def test_of_many_at_once_one_gets_the_key(self, answers: IdempotencyStore) -> None:
        """The others hear that it is being answered."""
        request = KeyedRequest("key-1", "content")
        outcomes = await asyncio.gather(*(answers.begin(request) for _ in range(20)), return_exceptions=True)
        assert outcomes.count(None) == 1
        assert sum(isinstance(outcome, StillAnsweringError) for outcome in outcomes) == 19

    async def test_what_was_given_up_can_be_done_again(self, answers: IdempotencyStore) -> None:
        """By the same request, or another one."""
        for content in ("content", "content", "other"):
            request = KeyedRequest("key-1", content)
            assert await answers.begin(request) is None
            await answers.give_up(request)
        await answers.give_up(KeyedRequest("never-begun", "content"))
