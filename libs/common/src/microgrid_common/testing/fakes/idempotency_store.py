"""Answers under keys in memory."""

from microgrid_common.ports.idempotency_store import (
    KeptAnswer,
    KeyedRequest,
    KeyReusedError,
    StillAnsweringError,
)
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeIdempotencyStore(FailsOnDemand):
    """Implements `IdempotencyStore`; nothing in it is ever too old."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[str, KeptAnswer | None]] = {}
        """By key: what the request was, and its answer once there is one."""

    async def begin(self, request: KeyedRequest) -> KeptAnswer | None:
        """As `IdempotencyStore.begin`."""
        self._may_fail()
        if request.key not in self.answers:
            self.answers[request.key] = (request.content, None)
            return None
        content, answer = self.answers[request.key]
        if content != request.content:
            raise KeyReusedError
        if answer is None:
            raise StillAnsweringError
        return answer

    async def finish(self, request: KeyedRequest, answer: KeptAnswer) -> None:
        """As `IdempotencyStore.finish`."""
        self._may_fail()
        self.answers[request.key] = (request.content, answer)

    async def give_up(self, request: KeyedRequest) -> None:
        """As `IdempotencyStore.give_up`."""
        self._may_fail()
        self.answers.pop(request.key, None)
