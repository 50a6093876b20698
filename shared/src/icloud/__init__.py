"""All we know about Apple's calendar server: the client, its errors, and sealed credentials."""

from icloud.account import Account
from icloud.client import ICloud
from icloud.credentials import AppleCredential, CredentialMalformed
from icloud.errors import (
    CalendarGone,
    CalendarNotEnabled,
    CredentialsRejected,
    Forbidden,
    ICloudError,
    NotUnderstood,
    PreconditionFailed,
    TokenDead,
    TryLater,
)
from icloud.gate import Endpoint, proxy_host
from icloud.home_listing import HomeListing
from icloud.ids import calendar_id, event_id, uid_hash
from icloud.kept_home import KeptHome
from icloud.paths import is_askable
from icloud.traffic import Crossing, RequestCounter
from icloud.transport import Budget, Unreachable
from icloud.turnstile import Errand, Fate, HeldBack, Outcome, Turnstile
from icloud.values import Absence, CalendarObject, Changes, Home, ListedCalendar, Missing, UnsupportedReason
from icloud.wire.requests import RequestClass

__all__ = [
    "Absence",
    "Account",
    "AppleCredential",
    "Budget",
    "CalendarGone",
    "CalendarNotEnabled",
    "CalendarObject",
    "Changes",
    "CredentialMalformed",
    "CredentialsRejected",
    "Crossing",
    "Endpoint",
    "Errand",
    "Fate",
    "Forbidden",
    "HeldBack",
    "Home",
    "HomeListing",
    "ICloud",
    "ICloudError",
    "KeptHome",
    "ListedCalendar",
    "Missing",
    "NotUnderstood",
    "Outcome",
    "PreconditionFailed",
    "RequestClass",
    "RequestCounter",
    "TokenDead",
    "TryLater",
    "Turnstile",
    "Unreachable",
    "UnsupportedReason",
    "calendar_id",
    "event_id",
    "is_askable",
    "proxy_host",
    "uid_hash",
]
