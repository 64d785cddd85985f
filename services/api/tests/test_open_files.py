"""A process asks for as many open files as its connections need, and for no more than it may have."""

import resource

import pytest
from structlog.testing import capture_logs

from microgrid_api.web.open_files import make_room_for


@pytest.mark.parametrize(
    ("before", "after", "is_said"),
    [
        ((1_024, 524_288), (2_200, 524_288), False),
        ((1_024, resource.RLIM_INFINITY), (2_200, resource.RLIM_INFINITY), False),
        ((1_024, 2_000), (2_000, 2_000), True),
        ((20_000, 20_000), (20_000, 20_000), False),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (resource.RLIM_INFINITY,) * 2, False),
    ],
)
def test_the_limit_is_raised_where_it_is_too_low(
    monkeypatch: pytest.MonkeyPatch, before: tuple[int, int], after: tuple[int, int], *, is_said: bool
) -> None:
    limits = {resource.RLIMIT_NOFILE: before}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    with capture_logs() as logs:
        make_room_for(2_000)
    assert limits[resource.RLIMIT_NOFILE] == after
    assert bool(logs) is is_said
