import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

pytest_plugins = ["local_stack.fixtures"]

# How long an example takes says how busy the machine is, nothing about the fact that is tested.
settings.register_profile("calsync", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calsync")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Commands that a test runs in this process set up its logs for themselves; calsync's silence them."""
    root, was_configured = logging.getLogger(), structlog.is_configured()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    if was_configured:
        structlog.configure(**config)
    else:
        structlog.reset_defaults()
