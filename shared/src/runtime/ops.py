"""The ops port: /livez, /readyz, /metrics. It is never exposed outside the cluster."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from inspect import isawaitable
from math import isnan
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[str | None] | str | None]
"""None when all is well, else the reason, in words for an operator."""

_CHECK_SECONDS: Final = 3.0
"""A probe that hears nothing gives up after a few seconds, and would not see the reason."""


def application(ready: Mapping[str, Check], live: Mapping[str, Check]) -> Starlette:
    """An ASGI application; /readyz and /livez answer 200 when every check passes, else 503 with the reasons."""
    # When each counter began would double the number of series, and nobody asks.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client gives it no types

    async def readyz(_: Request) -> Response:
        return await _answer(ready)

    async def livez(_: Request) -> Response:
        return await _answer(live)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(_Known()), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/readyz", readyz), Route("/livez", livez), Route("/metrics", metrics)])


class _Known(Collector):
    """All metrics but the numbers that could not be measured: nobody takes NaN for one, as an autoscaler might."""

    def collect(self) -> Iterator[Metric]:
        for family in REGISTRY.collect():
            family.samples = [sample for sample in family.samples if not isnan(sample.value)]
            yield family


async def _answer(checks: Mapping[str, Check]) -> Response:
    reasons = dict(zip(checks, await asyncio.gather(*map(_reason, checks.values())), strict=True))
    told = {name: reason or "ok" for name, reason in reasons.items()}
    return JSONResponse({"checks": told}, status_code=503 if any(reasons.values()) else 200)


async def _reason(check: Check) -> str | None:
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            said = check()
            return await said if isawaitable(said) else said
    except TimeoutError:
        return f"no answer within {_CHECK_SECONDS:.0f} s"
    except Exception as fault:  # noqa: BLE001 - a check that fails is a reason, not a broken probe
        return type(fault).__name__
