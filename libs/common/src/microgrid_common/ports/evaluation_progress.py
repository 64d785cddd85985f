"""How far the alert engine has come, so that a restart changes nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol


class RuleOnDevice(NamedTuple):
    """One rule as it applies to one device."""

    grid_id: str
    device_id: str
    rule_id: str


class EvaluationProgress(Protocol):
    """Keeps the time of the newest reading that each rule has judged on each device."""

    async def load(self) -> dict[RuleOnDevice, datetime]:
        """All of it: rule and device → `Reading.effective_at` of the newest reading judged.

        Raises:
            RetryableError: the store is away.
        """

    async def save(self, progress: Mapping[RuleOnDevice, datetime]) -> None:
        """Keep what has changed; durable when it returns.

        Raises:
            RetryableError: the store is away.
        """
