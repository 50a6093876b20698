"""The routes of `/v1/connections`: connect, look, disconnect."""

from fastapi import APIRouter, Request, Response, status

from connector.application.disconnect import Disconnection
from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection, TooManyAttempts
from connector.domain.connection import Wish
from connector.domain.timezones import is_time_zone
from connector.inbound.http.bodies import ConnectionBody, ConnectionsBody
from connector.inbound.http.callers import NamedUser, OwnerOfIt, SomeCaller, Told
from connector.inbound.http.etags import DOCUMENTED
from connector.inbound.http.problems import documented, malformed, refusals_as_problems, user_id_needed
from connector.inbound.http.shown import answered, shown
from connector.inbound.http.wishes import NewConnection
from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater
from icloud.credentials import CredentialMalformed
from runtime.http.problems import language_of
from runtime.logs import get_logger

_log = get_logger(__name__)

router = APIRouter(prefix="/v1/connections", tags=["connections"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Connect an Apple account",
    responses={
        201: DOCUMENTED,
        **documented(
            NoSuchConnection,
            user_id_needed(),
            malformed("app_password", "en"),
            CredentialsRejected,
            CalendarNotEnabled,
            AlreadyConnected,
            AppleAccountInUse,
            TooManyAttempts,
            TryLater,
            NotUnderstood,
        ),
    },
)
async def connect(
    wish: NewConnection, owner: NamedUser, stories: Told, request: Request, response: Response
) -> ConnectionBody:
    """Prove the credential at iCloud, then store it sealed. A refusal stores nothing.

    The same wish sent twice makes one connection; the second is told `already_connected`.
    """
    language = language_of(request)
    credential = _credential(wish, language)
    if not is_time_zone(wish.time_zone):
        raise malformed("time_zone", language)
    with refusals_as_problems():
        connection = await stories.connect(owner, credential, Wish(wish.access, wish.time_zone))
    _log.info("connection_made", connection_id=connection.id, account_id=owner.account_id)
    response.headers["Location"] = f"{router.prefix}/{connection.id}"
    return answered(connection, stories, response)


@router.get("", summary="The user's connection, if any", responses=documented(NoSuchConnection, user_id_needed()))
async def connections(owner: NamedUser, stories: Told) -> ConnectionsBody:
    """None or one. A service's token names the user; a person is their own."""
    with refusals_as_problems():
        found = await stories.list(owner)
    return ConnectionsBody(items=[shown(connection, stories) for connection in found])


@router.get("/{connection_id}", summary="One connection", responses={200: DOCUMENTED, **documented(NoSuchConnection)})
async def connection(connection_id: str, caller: SomeCaller, stories: Told, response: Response) -> ConnectionBody:
    """The connection with its calendars, setup and the state of its reading."""
    user_id = None if caller.service else caller.user_id
    with refusals_as_problems():
        found = await stories.show(connection_id, caller.account_id, user_id)
    return answered(found, stories, response)


@router.delete(
    "/{connection_id}",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Disconnect",
    response_class=Response,
    responses={
        202: {"description": "The credential is erased; what was imported follows within minutes"},
        204: {"description": "Already gone"},
        **documented(NoSuchConnection),
    },
)
async def disconnect(connection_id: str, owner: OwnerOfIt, stories: Told) -> Response:
    """Erase the credential at once, and everything imported within minutes."""
    with refusals_as_problems():
        outcome = await stories.disconnect(owner, connection_id)
    _log.info("disconnected", connection_id=connection_id, account_id=owner.account_id, outcome=outcome.value)
    gone = outcome is Disconnection.ALREADY_GONE
    return Response(status_code=status.HTTP_204_NO_CONTENT if gone else status.HTTP_202_ACCEPTED)


def _credential(wish: NewConnection, language: str) -> AppleCredential:
    try:
        return AppleCredential.typed(wish.apple_id.get_secret_value(), wish.app_password.get_secret_value())
    except CredentialMalformed as wrong:
        raise malformed(wrong.field, language) from None
