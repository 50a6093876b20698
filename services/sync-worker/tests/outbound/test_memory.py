import mmap
from pathlib import Path

import pytest

from sync_worker.outbound.memory import resident

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell")


def test_memory_that_is_used_is_counted() -> None:
    before = resident()

    with mmap.mmap(-1, 64 * 2**20) as used:
        used.write(b"x" * len(used))
        during = resident()

    assert before > 2**20
    assert during - before > 60 * 2**20
