"""An availability process."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence

import psutil

from local_stack.ports import HOST
from local_stack.tokens import AUDIENCE, ISSUER, TokenKeys


@contextlib.asynccontextmanager
async def service(mongodb: str, kafka: str, keys: TokenKeys, ports: Sequence[int]) -> AsyncIterator[psutil.Process]:
    """A fresh one, not waited for. `ports`: for questions, and its ops server."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "availability"),
        env={
            "PATH": os.environ["PATH"],
            "CALSYNC_MONGODB_URL": mongodb,
            "CALSYNC_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "CALSYNC_AUTH_ISSUER": ISSUER,
            "CALSYNC_AUTH_AUDIENCE": AUDIENCE,
            "CALSYNC_AUTH_JWKS": str(keys.jwks_file),
            "CALSYNC_HTTP_HOST": HOST,
            "CALSYNC_HTTP_PORT": str(ports[0]),
            "CALSYNC_OPS_HOST": HOST,
            "CALSYNC_OPS_PORT": str(ports[1]),
            "CALSYNC_STALE_AFTER": "P1D",
        },
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


def cpu_of(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)
