"""The figures of this process as Prometheus reads them."""

from collections.abc import Mapping

from prometheus_client import generate_latest

from microgrid_common.runtime import metrics
from microgrid_common.runtime.health import Ping, check_readiness


async def exposition(dependencies: Mapping[str, Ping]) -> bytes:
    """All figures in the text format, and among them whether each dependency answers now."""
    readiness = await check_readiness(dependencies)
    for name, problem in readiness.problems.items():
        metrics.DEPENDENCY_UP.labels(dependency=name).set(0 if problem else 1)
    return generate_latest()
