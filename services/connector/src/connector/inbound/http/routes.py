"""The routes of `/v1/connections`; everything is looked up inside the account, and the user, of the token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from connector.application.disconnect import Disconnection
from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection
from connector.domain.connection import Connection, Owner, Wish
from connector.domain.timezones import is_time_zone
from connector.inbound.http.bodies import ConnectionBody, ConnectionsBody, NewConnection, body_of
from connector.inbound.http.problems import (
    documented,
    malformed,
    person_needed,
    refusals_as_problems,
    user_id_needed,
)
from connector.inbound.http.stories import Stories
from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater
from icloud.credentials import CredentialMalformed
from runtime.auth import Caller
from runtime.http.problems import language_of
from runtime.logs import get_logger

_log = get_logger(__name__)

router = APIRouter(prefix="/v1/connections", tags=["connections"])


async def _caller(request: Request) -> Caller:
    caller: Caller = await request.app.state.caller_of(request)
    return caller


async def _person(caller: Annotated[Caller, Depends(_caller)]) -> Owner:
    if caller.service:
        raise person_needed()
    return Owner(caller.account_id, caller.user_id)


def _stories(request: Request) -> Stories:
    stories: Stories = request.app.state.stories
    return stories


SomeCaller = Annotated[Caller, Depends(_caller)]
Person = Annotated[Owner, Depends(_person)]
Told = Annotated[Stories, Depends(_stories)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Connect an Apple account",
    responses=documented(
        person_needed(),
        malformed("app_password", "en"),
        CredentialsRejected,
        CalendarNotEnabled,
        AlreadyConnected,
        AppleAccountInUse,
        TryLater,
        NotUnderstood,
    ),
)
async def connect(
    wish: NewConnection, owner: Person, stories: Told, request: Request, response: Response
) -> ConnectionBody:
    """Prove the credential at iCloud, then store it sealed. A refusal stores nothing."""
    language = language_of(request)
    credential = _credential(wish, language)
    if not is_time_zone(wish.time_zone):
        raise malformed("time_zone", language)
    with refusals_as_problems():
        connection = await stories.connect(owner, credential, Wish(wish.access, wish.time_zone))
    _log.info("connection_made", connection_id=connection.id, account_id=owner.account_id)
    response.headers["Location"] = f"{router.prefix}/{connection.id}"
    return _shown(connection, stories)


@router.get("", summary="The user's connection, if any", responses=documented(NoSuchConnection, user_id_needed()))
async def connections(
    caller: SomeCaller, stories: Told, user_id: Annotated[str | None, Query(max_length=128)] = None
) -> ConnectionsBody:
    """None or one. A service's token names the user; a person is their own."""
    if caller.service and user_id is None:
        raise user_id_needed()
    whose = caller.user_id if user_id is None else user_id
    with refusals_as_problems():
        if not caller.may_act_for(whose):
            raise NoSuchConnection
        found = await stories.list(Owner(caller.account_id, whose))
    return ConnectionsBody(items=[_shown(connection, stories) for connection in found])


@router.get("/{connection_id}", summary="One connection", responses=documented(NoSuchConnection))
async def connection(connection_id: str, caller: SomeCaller, stories: Told) -> ConnectionBody:
    """The connection with its calendars, setup and the state of its reading."""
    user_id = None if caller.service else caller.user_id
    with refusals_as_problems():
        found = await stories.show(connection_id, caller.account_id, user_id)
    return _shown(found, stories)


@router.delete(
    "/{connection_id}",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Disconnect",
    response_class=Response,
    responses={
        202: {"description": "The credential is erased; what was imported follows within minutes"},
        204: {"description": "Already gone"},
        **documented(person_needed(), NoSuchConnection),
    },
)
async def disconnect(connection_id: str, owner: Person, stories: Told) -> Response:
    """Erase the credential at once, and everything imported within minutes."""
    with refusals_as_problems():
        outcome = await stories.disconnect(owner, connection_id)
    _log.info("disconnected", connection_id=connection_id, account_id=owner.account_id, outcome=outcome.value)
    gone = outcome is Disconnection.ALREADY_GONE
    return Response(status_code=status.HTTP_204_NO_CONTENT if gone else status.HTTP_202_ACCEPTED)


def _shown(found: Connection, stories: Stories) -> ConnectionBody:
    return body_of(found, stories.clock(), stories.stale_after)


def _credential(wish: NewConnection, language: str) -> AppleCredential:
    try:
        return AppleCredential.typed(wish.apple_id.get_secret_value(), wish.app_password.get_secret_value())
    except CredentialMalformed as wrong:
        raise malformed(wrong.field, language) from None
