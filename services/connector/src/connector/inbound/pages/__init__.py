"""The pages: `/calendars/settings/connections`."""

from connector.inbound.pages.application import PREFIX, pages
from connector.inbound.pages.session import Sessions

__all__ = ["PREFIX", "Sessions", "pages"]
