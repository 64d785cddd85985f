"""Fixtures and settings for every test of the workspace."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["microgrid_common.testing.plugin"]

# A property is right or wrong, and never too slow: how long an example takes is the machine's business,
# and on a busy one a deadline fails tests at random. The examples are the same every time, so that a test
# fails for a change and not for luck.
# "thorough" is for the one who changes what a property is about, and makes up other examples every time:
# HYPOTHESIS_PROFILE=thorough make unit
settings.register_profile(
    "workspace",
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("workspace"), max_examples=2_000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "workspace"))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take what was imported and collected out of the garbage collector's sight: none of it is garbage.

    Looking through all of it takes longer than most tests, again and again, and stops the event loop of
    whichever test runs just then.
    """
    gc.collect()
    gc.freeze()
