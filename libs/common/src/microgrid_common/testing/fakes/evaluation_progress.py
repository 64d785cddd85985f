"""The alert engine's progress in memory."""

from collections.abc import Mapping
from datetime import datetime

from microgrid_common.ports.evaluation_progress import RuleOnDevice
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeEvaluationProgress(FailsOnDemand):
    """Implements `EvaluationProgress`."""

    def __init__(self) -> None:
        super().__init__()
        self._progress: dict[RuleOnDevice, datetime] = {}

    async def load(self) -> dict[RuleOnDevice, datetime]:
        """As `EvaluationProgress.load`."""
        self._may_fail()
        return dict(self._progress)

    async def save(self, progress: Mapping[RuleOnDevice, datetime]) -> None:
        """As `EvaluationProgress.save`."""
        self._may_fail()
        self._progress.update(progress)
