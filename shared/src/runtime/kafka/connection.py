"""How our clients reach Kafka, and how long they wait before they try again."""

import random
import ssl
from collections.abc import Callable
from typing import Any, Final

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from runtime.settings import KafkaSettings

REQUEST_TIMEOUT_MS: Final = 10_000
"""One request to Kafka. Kafka's default of 40 s would make every hiccup of a server a long silence."""
_FIRST: Final = 0.5
_LONGEST: Final = 30.0
_JITTER: Final = 0.2


def backoff(attempt: int, *, draw: Callable[[], float] = random.random) -> float:
    """Seconds to wait after the `attempt`-th failure in a row (from 1): 0.5 s, doubling to 30 s, up to 20 % more."""
    exponent = min(attempt - 1, 16)  # 2 ** 16 is past the bound anyway
    return float(min(_LONGEST, _FIRST * 2**exponent) * (1 + _JITTER * draw()))


def security(settings: KafkaSettings) -> BaseSecurity:
    """FastStream's description of the connection's security."""
    context = _ssl_context(settings)
    if not settings.security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=context is not None)
    kind = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
    return kind[settings.sasl_mechanism](
        username=settings.sasl_username or "",
        password=settings.sasl_password.get_secret_value() if settings.sasl_password else "",
        ssl_context=context,
        use_ssl=context is not None,
    )


def client_arguments(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """The same for aiokafka itself."""
    secret = settings.sasl_password
    return {
        "bootstrap_servers": list(settings.bootstrap_servers),
        "client_id": client_id,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "security_protocol": settings.security_protocol,
        "ssl_context": _ssl_context(settings),
        "sasl_mechanism": settings.sasl_mechanism if settings.security_protocol.startswith("SASL") else "PLAIN",
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": secret.get_secret_value() if secret else None,
    }


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    if not settings.security_protocol.endswith("SSL"):
        return None
    return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
