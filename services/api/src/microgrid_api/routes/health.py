"""Whether the service lives, whether it can work, and its figures."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from microgrid_api.context import Context
from microgrid_common.runtime.exposition import exposition
from microgrid_common.runtime.health import check_readiness

router = APIRouter(tags=["health"])

_READY = {"status": "ready", "dependencies": {"redis": "ok", "telemetry_store": "ok"}}
_NOT_READY = {
    "status": "unavailable",
    "dependencies": {"redis": "ok", "telemetry_store": "no answer within 2 s"},
}


@router.get(
    "/healthz",
    summary="Whether the process lives",
    responses={200: {"content": {"application/json": {"example": {"status": "alive"}}}}},
)
async def healthz() -> dict[str, str]:
    """Answers as long as the process works, whatever it depends on."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    summary="Whether everything it depends on answers",
    response_class=JSONResponse,
    responses={
        200: {"content": {"application/json": {"example": _READY}}},
        503: {
            "description": "A dependency is away; it says which.",
            "content": {"application/json": {"example": _NOT_READY}},
        },
    },
)
async def readyz(context: Context) -> JSONResponse:
    """Asks every dependency, and says by name what each answered."""
    readiness = await check_readiness(context.ports.dependencies)
    return JSONResponse(readiness.as_json(), status_code=200 if readiness.ready else 503)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"example": "microgrid_live_clients 3.0"}}}},
)
async def metrics(context: Context) -> Response:
    """The figures of this process in the Prometheus text format."""
    return Response(await exposition(context.ports.dependencies), media_type=CONTENT_TYPE_LATEST)
