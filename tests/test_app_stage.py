"""What the test run makes of the results of the app's tests."""

from tools.app_stage import outcome_of
from tools.outcome import Outcome


def row(name: str, result: str, reason: str | None = None) -> dict[str, str | None]:
    return {"suite": "test/a_test.dart", "name": name, "result": result, "reason": reason}


def test_each_test_is_counted_by_name() -> None:
    rows = [
        row("one", "passed"),
        row("two", "failed"),
        row("three", "skipped", "no server"),
        row("four", "skipped"),
    ]
    assert outcome_of(rows, code=1) == Outcome(
        passed=1,
        failed=["test/a_test.dart: two"],
        skipped=["test/a_test.dart: three: no server", "test/a_test.dart: four: no reason given"],
    )


def test_a_run_that_failed_without_naming_a_test_fails() -> None:
    assert outcome_of([], code=2).failed == ["app tests: ended with exit code 2 and named no test"]
    assert outcome_of([row("one", "passed")], code=1).failed


def test_only_those_that_are_run_again_count() -> None:
    rows = [row("one", "passed"), row("two", "passed"), row("three", "failed")]
    assert outcome_of(rows, code=1, only={"test/a_test.dart: two"}) == Outcome(passed=1)
