"""Fixtures for every test of the workspace."""

pytest_plugins = ["microgrid_common.testing.plugin"]
