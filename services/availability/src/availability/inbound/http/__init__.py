"""The HTTP interface."""

from availability.inbound.http.application import application
from availability.inbound.http.callers import READ, WRITE
from availability.inbound.http.stories import Stories

__all__ = ["READ", "WRITE", "Stories", "application"]
