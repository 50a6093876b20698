"""The HTTP interface: `/v1/connections`."""

from connector.inbound.http.application import application
from connector.inbound.http.stories import CallerOf, Stories

__all__ = ["CallerOf", "Stories", "application"]
