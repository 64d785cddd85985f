"""What the test run makes of tests that failed, and were run once more."""

from tools.outcome import Outcome, judge_again


def outcome(*failed: str, passed: int = 0, interrupted: bool = False) -> Outcome:
    return Outcome(passed=passed, failed=list(failed), interrupted=interrupted)


def test_what_passes_then_is_named_and_what_fails_again_fails() -> None:
    first = outcome("a", "b", passed=5)
    judge_again(first, outcome("b", passed=1))
    assert (first.failed, first.unsteady, first.passed) == (["b"], ["a"], 6)


def test_a_failure_that_is_not_run_again_stays_one() -> None:
    for again in (outcome(), outcome(passed=1), outcome("c", passed=1), outcome(passed=2, interrupted=True)):
        first = outcome("a", "pytest ended with exit code 3", passed=5)
        judge_again(first, again)
        assert (first.failed, first.unsteady, first.passed) == (
            ["a", "pytest ended with exit code 3"],
            [],
            5,
        )
