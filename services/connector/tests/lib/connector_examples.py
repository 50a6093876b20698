"""Values that tests begin with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from connector.domain.calendars import Calendar
from connector.domain.connection import Access, AppleAccount, Connection, Owner, Wish, connected
from icloud import AppleCredential
from icloud.credentials import SealedCredential

NOW: Final = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
LATER: Final = NOW + timedelta(minutes=5)

MARIE: Final = Owner("acc-salon", "usr-marie")
PAUL: Final = Owner("acc-salon", "usr-paul")
STRANGER: Final = Owner("acc-garage", "usr-marie")
SERVICE: Final = Owner(MARIE.account_id, "service:booking")
"""A service's token of Marie's account; the same service's token of another account."""
OTHER_SERVICE: Final = Owner(STRANGER.account_id, "service:booking")

APPLE_ID: Final = "marie.dupont@icloud.com"
APP_PASSWORD: Final = "qzvk-xjwp-mfhb-tgcd"
CREDENTIAL: Final = AppleCredential(APPLE_ID, APP_PASSWORD)
PRINCIPAL: Final = "/20451177/principal/"
SECRET: Final = SealedCredential(CREDENTIAL, PRINCIPAL)
FINGERPRINT: Final = "f1" * 32
WISH: Final = Wish(Access.READ_ONLY, "Europe/Paris")

PRIVATE: Final = Calendar("cal-private", "Privé", "#1BADF8", writable=True, supported=True, reason=None, shared=False)
WORK: Final = replace(PRIVATE, id="cal-work", name="Travail")
READ_ONLY: Final = replace(PRIVATE, id="cal-club", name="Club", writable=False)
SHARED: Final = replace(PRIVATE, id="cal-family", name="Famille", shared=True)
SUBSCRIBED: Final = replace(
    PRIVATE, id="cal-holidays", name="Jours fériés", writable=False, supported=False, reason="subscribed"
)
REMINDERS: Final = replace(PRIVATE, id="cal-todo", name="Rappels", supported=False, reason="reminders")
CALENDARS: Final = (PRIVATE, READ_ONLY, SHARED, SUBSCRIBED, REMINDERS)


def connection(
    connection_id: str = "c-1", owner: Owner = MARIE, *, fingerprint: str = FINGERPRINT, at: datetime = NOW
) -> Connection:
    """A connection just made."""
    apple = AppleAccount(fingerprint, "m…@icloud.com")
    return connected(connection_id, owner, apple=apple, terms=WISH.with_defaults(CALENDARS), at=at)
