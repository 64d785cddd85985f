"""The operators' app: its format, analysis and tests, with Debian's Flutter packages (flutter-debian.sh).

Its tests against a server get one as `make run` starts it, on ports and data of its own.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tools.outcome import Outcome, is_worth_another_try, judge_again

ROOT: Final = Path(__file__).resolve().parent.parent
APP: Final = ROOT / "apps" / "flutter_dashboard"
FLUTTER: Final = ROOT / "tools" / "flutter-debian.sh"
RESULTS: Final = APP / "build" / "debian" / "test-results.json"
PICTURES: Final = APP / "test" / "goldens"
ENGINE: Final = PICTURES / "engine.txt"
"""The version of Flutter that drew the pictures; another one draws some pixels otherwise."""

_SETUP_SECONDS: Final = 1_200
_TEST_SECONDS: Final = 1_200
_READY_SECONDS: Final = 120
_STOP_SECONDS: Final = 40


def run_app_stage(files: Sequence[str] = ()) -> Outcome:
    """Check and test the app, all of it or some test files."""
    print("=== app tests", flush=True)
    started = time.monotonic()
    if problem := _what_is_missing():
        outcome = Outcome(skipped=[f"the operators' app was NOT analyzed or tested: {problem}"])
    else:
        outcome = Outcome()
        try:
            outcome.add(_check())
            outcome.add(_test(files))
        except KeyboardInterrupt:
            outcome.interrupted = True
    print(f"=== app tests took {time.monotonic() - started:.1f} s\n", flush=True)
    return outcome


def _what_is_missing() -> str | None:
    if os.geteuid() != 0:
        return "Debian's Flutter packages in a chroot need root"
    try:
        done = subprocess.run([FLUTTER, "setup"], check=False, timeout=_SETUP_SECONDS)
    except subprocess.TimeoutExpired:
        return f"tools/flutter-debian.sh setup did not end within {_SETUP_SECONDS} s"
    return f"tools/flutter-debian.sh setup failed ({done.returncode})" if done.returncode else None


def _check() -> Outcome:
    unchanged = ("--output", "none", "--set-exit-if-changed", "lib", "test", "testing")
    codes = {
        "app: dart format": _flutter("format", APP, *unchanged),
        "app: dart analyze": _flutter("analyze", APP, "--fatal-infos"),
    }
    failed = [name for name, code in codes.items() if code]
    return Outcome(passed=len(codes) - len(failed), failed=failed)


def _test(files: Sequence[str]) -> Outcome:
    there = sorted((APP / "test").rglob("*_test.dart"))
    chosen = list(files) or [str(path.relative_to(APP)) for path in there]
    outcome = Outcome()
    if not files and (problem := _why_pictures_differ()):
        pictures = str(PICTURES.relative_to(APP))
        outcome.skipped.append(f"the pictures of the app's screens were NOT compared: {problem}")
        chosen = [name for name in chosen if not name.startswith(pictures)]
    with tempfile.TemporaryDirectory() as folder, _system(Path(folder)) as address:
        outcome.add(_run(chosen, address))
        if is_worth_another_try(outcome):
            print("=== app tests that failed, once more", flush=True)
            failed = set(outcome.failed)
            again = _run(sorted({name.partition(": ")[0] for name in failed} & set(chosen)), address, failed)
            judge_again(outcome, again)
    return outcome


def _run(files: Sequence[str], address: str, only: set[str] | None = None) -> Outcome:
    """Run test files; of some of their tests, if `only` names them, the outcome is told."""
    if not files:
        return Outcome()
    RESULTS.unlink(missing_ok=True)
    code = _flutter("test", APP, *files, environment={"MICROGRID_TEST_SERVER": address})
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    return outcome_of(rows, code, only)


def outcome_of(rows: Sequence[Mapping[str, Any]], code: int, only: set[str] | None = None) -> Outcome:
    """What the app's tests have come to.

    Args:
        rows: of each test its `suite`, `name` and `result`: passed, failed or skipped, then with a `reason`.
        code: what their run exited with.
        only: the tests that count; all where it is None.
    """
    outcome = Outcome()
    for row in rows:
        name = f"{row['suite']}: {row['name']}"
        if only is not None and name not in only:
            continue
        if row["result"] == "passed":
            outcome.passed += 1
        elif row["result"] == "skipped":
            outcome.skipped.append(f"{name}: {row.get('reason') or 'no reason given'}")
        else:
            outcome.failed.append(name)
    if code and not outcome.failed and only is None:
        outcome.failed.append(f"app tests: ended with exit code {code} and named no test")
    return outcome


def _why_pictures_differ() -> str | None:
    query = ("chroot", _chroot(), "dpkg-query", "-W", "-f", "${Version}", "flutter-tester")
    here = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
    drew = ENGINE.read_text().strip()
    return None if here == drew else f"Flutter {here or '?'} is here, and {drew} drew them"


def _chroot() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return os.environ.get("FD_ROOT") or (cache / "flutter-debian.root").read_text().strip()


def _flutter(*arguments: str | Path, environment: dict[str, str] | None = None) -> int:
    told = environment or {}
    process = subprocess.Popen([FLUTTER, *arguments], env={**os.environ, **told, "FD_ENV": " ".join(told)})
    try:
        return process.wait(_TEST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{FLUTTER.name} {arguments[0]} did not end within {_TEST_SECONDS} s", flush=True)
        process.terminate()
        return process.wait()


@contextmanager
def _system(folder: Path) -> Iterator[str]:
    """Run the whole system, with its simulator; gives the API's address."""
    ports = _free_ports(3)
    settings = {
        "MICROGRID_DATA_DIR": str(folder / "data"),
        "MICROGRID_API_PORT": str(ports[0]),
        "MICROGRID_MQTT_PORT": str(ports[1]),
        "MICROGRID_MQTT5_PORT": str(ports[2]),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MICROGRID_")}
    with (folder / "system.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "microgrid_standalone", "run"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**inherited, **settings},
        )
    address = f"http://127.0.0.1:{ports[0]}"
    try:
        if not _becomes_ready(address, process):
            print((folder / "system.log").read_text(errors="replace")[-4_000:], flush=True)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _becomes_ready(address: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
