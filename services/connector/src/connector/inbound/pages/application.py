"""The pages, put together."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connector.inbound.http.stories import Stories
from connector.inbound.pages import choosing, connecting, failures, keeping, language
from connector.inbound.pages.places import forget, recalled
from connector.inbound.pages.rendering import BASE, PREFIX, renderer
from connector.inbound.pages.session import Sessions, end
from connector.inbound.pages.visit import Foresight, Visit, fields_of, sent, shown

__all__ = ["BASE", "PREFIX", "pages"]

_LIST = "/settings/connections"
_NEW = f"{_LIST}/new"
_ONE = f"{_LIST}/{{connection_id}}"


def pages(
    stories: Stories, sessions: Sessions, *, foresight: Foresight | None = None, sign_in_url: str | None = None
) -> Starlette:
    """The pages, to be mounted at PREFIX. Whoever has no session is sent to `sign_in_url`.

    Without `foresight` they say nothing of what lies ahead.
    """
    app = Starlette(routes=_routes(), exception_handlers=failures.HANDLERS)
    # As in the API: a redirect for a slash too many would go to whatever Host was sent.
    app.router.redirect_slashes = False
    app.state.stories = stories
    app.state.sessions = sessions
    app.state.renderer = renderer()
    app.state.foresight = foresight
    app.state.sign_in_url = sign_in_url
    return app


def _routes() -> list[Route]:
    return [
        Route(_LIST, shown(connecting.listed)),
        Route(_NEW, shown(connecting.choice)),
        Route(f"{_NEW}/icloud", shown(connecting.form), methods=["GET"]),
        Route(f"{_NEW}/icloud", sent(connecting.connect), methods=["POST"]),
        Route(_ONE, shown(keeping.look), methods=["GET"]),
        Route(f"{_ONE}/sync", sent(keeping.sync), methods=["POST"]),
        Route(f"{_ONE}/setup", shown(choosing.form), methods=["GET"]),
        Route(f"{_ONE}/setup", sent(choosing.save), methods=["POST"]),
        Route(f"{_ONE}/reconnect", shown(keeping.reconnect_form), methods=["GET"]),
        Route(f"{_ONE}/reconnect", sent(keeping.reconnect), methods=["POST"]),
        Route(f"{_ONE}/disconnect", shown(keeping.disconnect_form), methods=["GET"]),
        Route(f"{_ONE}/disconnect", sent(keeping.disconnect), methods=["POST"]),
        Route("/settings/session", _begin_session, methods=["POST"]),
        Route("/settings/session/end", sent(_end_session), methods=["POST"]),
        Route("/settings/language/{code}", language.choose, methods=["GET"]),
        Route("/settings/static/{name}", _static, methods=["GET"]),
    ]


async def _begin_session(request: Request) -> Response:
    """Exchange the platform's token for a session; then the page that was wanted, else the list."""
    response = RedirectResponse(recalled(request), 303)
    forget(request, response)
    token = next(iter((await fields_of(request)).get("token", ())), "")
    await request.app.state.sessions.begin(request, token, response)
    return response


async def _end_session(visit: Visit) -> Response:
    """Forget the token. The platform, which made it, keeps its own session."""
    response = failures.signed_out(visit.request)
    end(response)
    return response


async def _static(request: Request) -> Response:
    try:
        return request.app.state.renderer.files[request.path_params["name"]].response(request)  # type: ignore[no-any-return]
    except KeyError:
        raise HTTPException(404) from None
