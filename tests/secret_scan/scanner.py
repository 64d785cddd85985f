"""gitleaks with the repository's own rules, for tests."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SECONDS = 120


def secrets_in(folder: Path) -> dict[str, set[str]]:
    """What gitleaks finds: file, relative to the folder → the rules that say so. Skips without gitleaks."""
    places = os.pathsep.join((str(REPOSITORY / ".cache/bin"), os.environ["PATH"], "/usr/local/bin"))
    if (program := shutil.which("gitleaks", path=places)) is None:
        pytest.skip("secrets were NOT looked for: no gitleaks here; tools/gitleaks.sh builds it")
    report = folder.with_name(f"{folder.name}-secrets.json")
    options = ("--no-banner", "--redact", "--exit-code=0", "--max-archive-depth=2", f"--report-path={report}")
    command = (program, "dir", *options, f"--config={REPOSITORY / '.gitleaks.toml'}", str(folder))
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    found: dict[str, set[str]] = {}
    for finding in json.loads(report.read_text()):
        name = str(Path(finding["File"]).relative_to(folder))
        found.setdefault(name, set()).add(finding["RuleID"])
    return found
