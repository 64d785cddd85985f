"""Fixtures and settings for every test of the workspace."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["microgrid_common.testing.plugin"]

# A property is right or wrong, and never too slow: how long an example takes is the machine's business,
# and on a busy one a deadline fails tests at random.
settings.register_profile("workspace", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workspace")
