"""Run the tests stage by stage and end with one summary over all of them.

`python -m tools.test_run` runs the unit tests, the integration tests and those of the app, also when some
failed. `python -m tools.test_run unit` runs one stage; arguments after its name go to pytest, for the app
they are test files.

A few tests that fail are run once more, alone: those that pass then are named as unsteady, with what they
said at first above, and do not fail the run. docs/decisions/017 says why.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree as ET

from tools.app_stage import run_app_stage
from tools.outcome import Outcome, is_worth_another_try, judge_again

STAGES = {"unit": "not integration", "integration": "integration"}
APP = "app"
WORKERS: dict[str, list[str]] = {"unit": ["-n", "logical", "--dist", "worksteal"], "integration": []}
"""Integration tests run one by one: they make servers fail that others of them use."""

_PYTEST_NOTHING_COLLECTED = 5
_PYTEST_COUNTED = {0, 1, _PYTEST_NOTHING_COLLECTED}
"""Exit codes with which pytest has run all tests and reported each."""


def run_stage(stage: str, pytest_arguments: list[str]) -> Outcome:
    """Run pytest on one stage's tests, and count what it reports."""
    print(f"=== {stage} tests", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        # What failed last is kept there, and by no other run.
        pytest_arguments = [*pytest_arguments, "-o", f"cache_dir={directory}/cache"]
        outcome = run_pytest(stage, [*WORKERS[stage], *pytest_arguments], Path(directory, "report.xml"))
        if is_worth_another_try(outcome):
            print(f"=== {stage} tests that failed, once more", flush=True)
            again = ["--last-failed", "--last-failed-no-failures=none", *pytest_arguments]
            judge_again(outcome, run_pytest(stage, again, Path(directory, "again.xml")))
    print(f"=== {stage} tests took {time.monotonic() - started:.1f} s\n", flush=True)
    return outcome


def run_pytest(stage: str, arguments: list[str], report: Path) -> Outcome:
    """Run pytest once, and count what it reports."""
    # Twice quiet: pytest leaves out its own summary line, since one over all stages follows.
    command = [sys.executable, "-m", "pytest", "-qq", "--continue-on-collection-errors"]
    command += ["-m", STAGES[stage], f"--junitxml={report}"]
    # With it every worker would compile every module anew: half the time of the unit tests.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    exit_code, interrupted = wait_for(subprocess.Popen([*command, *arguments], env=environment))
    outcome = read_report(report) if report.exists() else Outcome()
    outcome.interrupted = interrupted
    if exit_code not in _PYTEST_COUNTED:
        outcome.failed.append(f"{stage} tests: pytest ended with exit code {exit_code}")
    elif exit_code == 1 and not outcome.failed:
        outcome.failed.append(f"{stage} tests: pytest failed and named no test")
    return outcome


def wait_for(process: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """Wait until pytest has ended, which after Ctrl-C is when it has stopped its servers.

    Returns:
        The exit code, and whether there was a Ctrl-C.
    """
    interrupted = False
    while True:
        try:
            return process.wait(), interrupted
        except KeyboardInterrupt:
            interrupted = True


def read_report(report: Path) -> Outcome:
    """Read pytest's JUnit report."""
    outcome = Outcome()
    for case in ET.parse(report).iter("testcase"):
        name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
        # A test that failed and whose fixture then failed too is reported twice; one line is enough.
        if case.find("failure") is not None or case.find("error") is not None:
            if name not in outcome.failed:
                outcome.failed.append(name)
        elif (skip := case.find("skipped")) is not None:
            outcome.skipped.append(f"{name}: {skip.get('message') or skip.text or 'no reason given'}")
        else:
            outcome.passed += 1
    return outcome


def main(arguments: list[str]) -> int:
    """Run the stages asked for; the exit code is 0 only if tests have run and none has failed."""
    stages = arguments[:1] or [*STAGES, APP]
    total = Outcome()
    for stage in stages:
        total.add(run_app_stage(arguments[1:]) if stage == APP else run_stage(stage, arguments[1:]))
        if total.interrupted:
            break
    unsteady = "UNSTEADY: failed, and passed when run again; each is a defect to be mended"
    for title, names in (("failed", total.failed), (unsteady, total.unsteady), ("skipped", total.skipped)):
        if names:
            print(f"{title}:", *names, sep="\n  ")
    if not total.passed and not total.failed:
        print("no test has run")
    print(f"{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped", flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
