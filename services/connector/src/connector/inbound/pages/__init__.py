"""The pages: `/calendars/settings/connections`."""

from connector.inbound.pages.application import PREFIX, pages
from connector.inbound.pages.session import Sessions
from connector.inbound.pages.visit import Foresight

__all__ = ["PREFIX", "Foresight", "Sessions", "pages"]
