"""The routes that change a connection: its credential, its setup, and when iCloud is looked at."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response, status

from connector.application.refusals import (
    AccessReadOnly,
    AppleIdNeeded,
    CalendarNotWritable,
    CalendarUnsupported,
    ChoiceOutdated,
    DifferentAppleAccount,
    HeldOtherwise,
    NobodyToAsk,
    NoSuchConnection,
    TooManyAttempts,
    TooMuchUntold,
    TooSoon,
    UnknownCalendar,
    UnknownTimeZone,
)
from connector.inbound.http.bodies import ConnectionBody
from connector.inbound.http.callers import OwnerOfIt, Told
from connector.inbound.http.etags import DOCUMENTED, IfMatch
from connector.inbound.http.problems import documented, malformed, refusals_as_problems
from connector.inbound.http.shown import answered
from connector.inbound.http.wishes import Decisions, NewCredentials, NewSetup
from icloud import CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater
from icloud.credentials import CredentialMalformed
from runtime.http.conditions import if_match_malformed, named
from runtime.http.problems import language_of
from runtime.logs import get_logger

_log = get_logger(__name__)

router = APIRouter(prefix="/v1/connections/{connection_id}", tags=["connections"])


@router.put(
    "/setup",
    summary="Choose which calendars count, and how",
    responses={
        200: DOCUMENTED,
        **documented(
            if_match_malformed(),
            NoSuchConnection,
            ChoiceOutdated,
            UnknownCalendar,
            CalendarUnsupported,
            CalendarNotWritable,
            AccessReadOnly,
            UnknownTimeZone,
        ),
    },
)
async def change_setup(  # noqa: PLR0913 - as many as there are parts of the request
    connection_id: str,
    setup: NewSetup,
    owner: OwnerOfIt,
    stories: Told,
    response: Response,
    *,
    if_match: IfMatch = None,
) -> ConnectionBody:
    """Replace the whole setup. From the first choice on, calendars that are new in iCloud wait for the next one.

    With `If-Match`, only the setup that was seen, with the calendars that were there then. What has been put in place
    before, by the same request sent twice, say, is answered as it is.
    """
    with refusals_as_problems():
        choice = replace(setup.choice(), made_from=named(if_match))
        changed = await stories.change_setup(owner, connection_id, choice)
    _log.info("setup_chosen", connection_id=connection_id, account_id=owner.account_id, revision=changed.revision)
    return answered(changed, stories, response)


@router.put(
    "/credentials",
    summary="Reconnect, or replace the app-specific password",
    responses={
        200: DOCUMENTED,
        **documented(
            NoSuchConnection,
            malformed("app_password", "en"),
            AppleIdNeeded,
            TooManyAttempts,
            CredentialsRejected,
            CalendarNotEnabled,
            DifferentAppleAccount,
            TooMuchUntold,
            TryLater,
            NotUnderstood,
        ),
    },
)
async def reconnect(  # noqa: PLR0913 - as many as there are parts of the request
    connection_id: str, wish: NewCredentials, owner: OwnerOfIt, stories: Told, *, request: Request, response: Response
) -> ConnectionBody:
    """Prove the credential at iCloud, then seal it in the old one's place: same id, setup and history.

    A refusal changes nothing: what worked goes on working.
    """
    apple_id = None if wish.apple_id is None else wish.apple_id.get_secret_value()
    with refusals_as_problems():
        try:
            renewed = await stories.reconnect(owner, connection_id, wish.app_password.get_secret_value(), apple_id)
        except CredentialMalformed as wrong:
            raise malformed(wrong.field, language_of(request)) from None
    _log.info("reconnected", connection_id=connection_id, account_id=owner.account_id, epoch=renewed.epoch)
    return answered(renewed, stories, response)


@router.post(
    "/sync",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Look at iCloud now",
    response_class=Response,
    responses={
        202: {"description": "The workers are asked; `sync.as_of` shows when it is done"},
        **documented(NoSuchConnection, UnknownCalendar, HeldOtherwise, TooSoon, NobodyToAsk),
    },
)
async def sync(connection_id: str, owner: OwnerOfIt, stories: Told, decisions: Decisions | None = None) -> Response:
    """Ask for a look now, and settle removals that are held. While a reconnect is needed, nothing comes of it."""
    decided = decisions or Decisions()
    with refusals_as_problems():
        await stories.request_sync(
            owner,
            connection_id,
            confirm=decided.confirm_removals,
            keep=decided.keep_removals,
            seen={one.calendar_id: one.since for one in decided.held_since},
        )
    _log.info(
        "sync_asked_for",
        connection_id=connection_id,
        account_id=owner.account_id,
        confirmed=len(decided.confirm_removals),
        kept=len(decided.keep_removals),
    )
    return Response(status_code=status.HTTP_202_ACCEPTED)


@router.post(
    "/calendars/refresh",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Look for new calendars now",
    response_class=Response,
    responses={
        202: {"description": "The workers are asked; every look at iCloud lists the calendars first"},
        **documented(NoSuchConnection, TooSoon, NobodyToAsk),
    },
)
async def refresh(connection_id: str, owner: OwnerOfIt, stories: Told) -> Response:
    """Ask for a look now: only the workers can open the credential."""
    with refusals_as_problems():
        await stories.request_sync(owner, connection_id)
    return Response(status_code=status.HTTP_202_ACCEPTED)
