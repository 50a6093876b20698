"""Whether the services of a stack call themselves alive."""

import httpx

from local_stack.stack import LocalStack

_ANSWER_SECONDS = 10


def all_alive(stack: LocalStack) -> bool:
    """Whether every service's process runs and says so."""
    urls = [stack.env["CONNECTOR_OPS_URL"], stack.env["AVAILABILITY_OPS_URL"]]
    urls += stack.env["SYNC_WORKER_OPS_URL"].split(",")
    try:
        return all(httpx.get(f"{url}/livez", timeout=_ANSWER_SECONDS, trust_env=False).is_success for url in urls)
    except httpx.TransportError:
        return False
