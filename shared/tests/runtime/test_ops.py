import asyncio

import httpx
import pytest

from runtime import metrics, ops


async def ask(path: str, **checks: ops.Check) -> httpx.Response:
    app = ops.application(ready=checks, live={})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tests") as client:
        return await client.get(path)


async def well() -> str | None:
    return None


async def test_ready_when_every_check_passes() -> None:
    answer = await ask("/readyz", kafka=lambda: None, mongo=well)

    assert (answer.status_code, answer.json()) == (200, {"checks": {"kafka": "ok", "mongo": "ok"}})


async def test_not_ready_with_the_reason_of_each_check() -> None:
    def broken() -> str | None:
        raise ValueError("canary")

    answer = await ask("/readyz", kafka=lambda: "not there", mongo=well, vault=broken)

    assert answer.status_code == 503
    assert answer.json() == {"checks": {"kafka": "not there", "mongo": "ok", "vault": "ValueError"}}


async def test_a_check_that_hangs_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.ops._CHECK_SECONDS", 0.1)

    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    answer = await ask("/readyz", mongo=hang)

    assert answer.status_code == 503


async def test_liveness_does_not_depend_on_readiness() -> None:
    answer = await ask("/livez", kafka=lambda: "not there")

    assert answer.status_code == 200


async def test_what_could_not_be_measured_is_left_out() -> None:
    metrics.PENDING.labels("known").set(3)
    metrics.PENDING.labels("unknown").set(float("nan"))

    answer = await ask("/metrics")

    assert 'calsync_pending_events{service="known"} 3.0' in answer.text
    assert 'service="unknown"' not in answer.text


async def test_metrics_are_ours() -> None:
    metrics.CONSUMED.labels("tests", "topic").inc()

    answer = await ask("/metrics")

    assert 'calsync_kafka_consumed_total{group="tests",topic="topic"} 1.0' in answer.text
