"""A message publisher in memory."""

from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeMessagePublisher(FailsOnDemand):
    """A `MessagePublisher` that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, bytes]] = []
        """Topic and payload, in order."""
        self.retained: dict[str, bytes] = {}
        """Topic → the last payload that was to be retained."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Keep one message."""
        self._may_fail()
        self.published.append((topic, payload))
        if retain:
            self.retained[topic] = payload

    async def ping(self) -> None:
        """Return unless it is to fail."""
        self._may_fail()
