"""What became of tests, whoever ran them."""

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Outcome:
    """What became of the tests of one or more stages."""

    passed: int = 0
    failed: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    """Those that failed, and passed when they were run again; they count as passed."""
    skipped: list[str] = field(default_factory=list)
    """Test name and reason."""
    interrupted: bool = False

    def add(self, other: "Outcome") -> None:
        """Count another stage in."""
        self.passed += other.passed
        self.failed += other.failed
        self.unsteady += other.unsteady
        self.skipped += other.skipped
        self.interrupted |= other.interrupted


MOST_TRIED_AGAIN = 3
"""When more tests of a stage fail, something is broken, and that is no matter of luck."""


def is_worth_another_try(outcome: Outcome) -> bool:
    """Whether so few have failed that they are run once more: docs/decisions/017."""
    return 0 < len(outcome.failed) <= MOST_TRIED_AGAIN and not outcome.interrupted


def judge_again(outcome: Outcome, again: Outcome) -> None:
    """Take those that failed and now passed as unsteady, if all that failed was run again and reported."""
    outcome.interrupted = again.interrupted
    still = set(again.failed)
    if again.interrupted or still - set(outcome.failed) or again.passed + len(still) != len(outcome.failed):
        return
    outcome.unsteady = [name for name in outcome.failed if name not in still]
    outcome.failed = again.failed
    outcome.passed += len(outcome.unsteady)
