"""Prometheus' own tool on the alert rules, their unit tests and every query."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.observability.files import PROMETHEUS, RULE_FILES, queries

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not there, the alert rules are not tested: apt-get install prometheus")
    return found


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_its_configuration(promtool: str) -> None:
    run(promtool, "check", "config", "prometheus.yml")


@pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(promtool: str, file: Path) -> None:
    run(promtool, "test", "rules", PROMETHEUS / "tests" / file.name)


def test_every_query_of_a_dashboard_is_one(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, (_, query) in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    # JSON is YAML, too.
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    run(promtool, "check", "rules", "--lint=none", file)
