"""How a connection can stand with the connector."""

from enum import StrEnum


class State(StrEnum):
    """As the connector writes it down."""

    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"
    """Apple refuses the password; its user has to type a new one."""
    DISCONNECTED = "disconnected"
    """It is over."""
