"""The image of the services, made of what is here now."""

from pathlib import Path

import pytest
from deploy.compose.installation import Installation
from deploy.compose.up import CommandFailedError, Deployment, what_docker_lacks

_TAG = "test"


def build_image(folder: Path, *, tested: str) -> str:
    """Build it, as `make up` does; skips where that cannot be done.

    Args:
        folder: for what the build needs; made where it is missing.
        tested: what is not tested without it.

    Returns:
        Its name.
    """
    if problem := what_docker_lacks():
        pytest.skip(f"{tested} was NOT tested: {problem}")
    installation = Installation(folder, folder / "compose.env", {"MICROGRID_VERSION": _TAG})
    try:
        Deployment(installation, quiet=True).build()
    except CommandFailedError as error:
        pytest.skip(f"{tested} was NOT tested: {error}")
    return f"microgrid-monitor:{_TAG}"
