"""Failing on demand."""

from collections import deque


class FailsOnDemand:
    """Raises what it was told to, once for each time, before the call has any effect."""

    def __init__(self) -> None:
        self._failures: deque[Exception] = deque()

    def fail_next(self, error: Exception, *, times: int = 1) -> None:
        """Let the next calls raise `error`, whichever methods they are of."""
        self._failures.extend([error] * times)

    def _may_fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()
