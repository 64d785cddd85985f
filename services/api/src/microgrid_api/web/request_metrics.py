"""What Prometheus is told about requests: how many, how answered, how fast, by their route's template."""

from typing import Final

from starlette.types import Scope

from microgrid_common.runtime import metrics

UNKNOWN_ROUTE: Final = "unknown"
"""Of all paths that lead nowhere: whoever calls can make up any number of them."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def count_request(scope: Scope, *, status: int, seconds: float) -> None:
    """Count a request that was answered.

    Args:
        scope: the request, after it was served.
        status: of the answer.
        seconds: until the answer began; how long it went on is the client's doing, and for live ones hours.
    """
    route = scope.get("route")
    template = route.path if route else UNKNOWN_ROUTE
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.API_REQUESTS.labels(method=method, route=template, status=str(status)).inc()
    metrics.API_REQUEST_SECONDS.labels(method=method, route=template).observe(seconds)
