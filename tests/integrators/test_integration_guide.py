"""The example in docs/integration.md, as it stands there, is a project of its own whose tests pass."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from tests.containers.built_image import build_image

from microgrid_common.testing.servers import BackendChoice, ServerUnavailableError
from microgrid_common.testing.servers.running import server_is_demanded

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).parents[2] / "docs/integration.md"
BACKENDS = tuple(choice for choice in get_args(BackendChoice) if choice != "auto")


def files_of_the_guide() -> dict[str, str]:
    """The files that the guide shows: each names itself in its first line."""
    blocks = re.findall(r"^```python\n# (\S+\.py)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return dict(blocks)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_guides_example_passes(backend: BackendChoice, tmp_path: Path) -> None:
    chosen: dict[str, str] = {"MICROGRID_TEST_SERVERS": backend}
    if backend == "container":
        chosen["MICROGRID_TEST_IMAGE"] = build_image(tmp_path / "state", tested="the guide on containers")
    project = tmp_path / "project"
    project.mkdir()
    files = files_of_the_guide()
    assert sorted(files) == ["conftest.py", "test_our_project.py"]
    for name, text in files.items():
        (project / name).write_text(text)
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"),
        cwd=project,
        env=os.environ | chosen,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    if ServerUnavailableError.__name__ in done.stdout and not server_is_demanded():
        pytest.skip(f"the guide was NOT tested by {backend}: {done.stdout[-1_000:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    number = files["test_our_project.py"].count("def test_")
    assert f"{number} passed" in done.stdout
