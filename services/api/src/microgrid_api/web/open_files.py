"""Room for connections: each is an open file to the operating system."""

import resource
from typing import Final

import structlog

_OTHERS: Final = 200
"""Of stores, logs and requests beside live connections."""


def make_room_for(connections: int) -> None:
    """Raise this process's own limit of open files, where it is too low for so many connections.

    Many systems begin with 1,024 and allow far more to those that ask. Where they do not, the log says so.
    """
    wanted = connections + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _covers(soft, wanted):
        return
    granted = wanted if _covers(hard, wanted) else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        structlog.get_logger().warning("open_files_limited", allowed=granted, wanted=wanted)


def _covers(limit: int, wanted: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= wanted
