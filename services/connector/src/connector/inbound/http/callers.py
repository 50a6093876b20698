"""Who asks, and whose connections it is about: everything is looked up inside the account of the token."""

from typing import Annotated

from fastapi import Depends, Query, Request

from connector.application.refusals import NoSuchConnection
from connector.domain.connection import Owner
from connector.inbound.http.problems import refusals_as_problems, user_id_needed
from connector.inbound.http.stories import Stories
from runtime.auth import USER_ID, Caller

UserId = Annotated[
    str | None,
    Query(
        pattern=USER_ID,
        description="Whose connections; a service's token must say it, a person's can only be their own.",
    ),
]


async def _caller(request: Request) -> Caller:
    caller: Caller = await request.app.state.caller_of(request)
    return caller


def _stories(request: Request) -> Stories:
    stories: Stories = request.app.state.stories
    return stories


SomeCaller = Annotated[Caller, Depends(_caller)]
Told = Annotated[Stories, Depends(_stories)]


async def _user(caller: SomeCaller, user_id: UserId = None) -> Owner:
    """The user that the query names, or the caller in person."""
    if caller.service and (user_id is None or user_id.startswith("service:")):
        raise user_id_needed()
    whose = caller.user_id if user_id is None else user_id
    with refusals_as_problems():
        if not caller.may_act_for(whose):
            raise NoSuchConnection
    return Owner(caller.account_id, whose)


async def _owner(connection_id: str, caller: SomeCaller, stories: Told) -> Owner:
    """The caller in person, or for a service the user whose connection it is."""
    if not caller.service:
        return Owner(caller.account_id, caller.user_id)
    with refusals_as_problems():
        return await stories.owner_of(connection_id, caller.account_id)


NamedUser = Annotated[Owner, Depends(_user)]
OwnerOfIt = Annotated[Owner, Depends(_owner)]
