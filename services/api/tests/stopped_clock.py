"""A clock for tests."""

from datetime import datetime, timedelta

from microgrid_common.testing.samples import SAMPLE_TIME


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = SAMPLE_TIME

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, span: timedelta) -> None:
        self.time += span
