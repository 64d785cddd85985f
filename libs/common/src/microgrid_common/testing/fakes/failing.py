"""Failing on demand."""

from collections import deque


class FailsOnDemand:
    """Raises what it was told to, once for each time, before the call has any effect."""

    def __init__(self) -> None:
        self._failures: deque[BaseException | None] = deque()

    def fail_next(self, error: BaseException, *, times: int = 1, after: int = 0) -> None:
        """Let calls raise `error`, whichever methods they are of.

        Args:
            error: what to raise.
            times: how many calls fail.
            after: how many calls succeed before.
        """
        self._failures.extend([None] * after + [error] * times)

    def fail_no_more(self) -> None:
        """Let every call succeed from now on."""
        self._failures.clear()

    @property
    def failures_left(self) -> int:
        """How many calls are still going to fail."""
        return len(self._failures)

    def _may_fail(self) -> None:
        if self._failures and (error := self._failures.popleft()):
            raise error
