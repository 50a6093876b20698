"""Refusals that callers see: RFC 9457, with a stable code, in French and English."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

Title = Mapping[str, str]
"""A sentence for people by language, `en` and `fr`."""

MEDIA_TYPE: Final = "application/problem+json"
_LANGUAGES: Final = ("en", "fr")
"""The first one speaks to those who ask for neither."""
_HEADER_LENGTH: Final = 200


class Problem(Exception):
    """A refusal. `code` is for programs and never changes; `extra` members go into the body as they are.

    Neither title nor extra may hold what the caller sent.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: Title,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = dict(title)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def response(request: Request, problem: Problem) -> JSONResponse:
    """The problem in the language that the request prefers."""
    language = language_of(request)
    return JSONResponse(
        {
            "type": "about:blank",
            "title": problem.title.get(language) or problem.title[_LANGUAGES[0]],
            "status": problem.status,
            "code": problem.code,
            **problem.extra,
        },
        status_code=problem.status,
        headers={"Content-Language": language, "Vary": "Accept-Language", **problem.headers},
        media_type=MEDIA_TYPE,
    )


def language_of(request: Request) -> str:
    """`fr` or `en`: the one that Accept-Language weighs more (RFC 9110, 12.5.4)."""
    weights: dict[str, float] = {}
    for part in request.headers.get("accept-language", "")[:_HEADER_LENGTH].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.partition("-")[0].lower()
        weights[language] = max(weights.get(language, 0.0), _weight(parameter))
    # max keeps the first of equals, and the header's order breaks ties among people's languages.
    asked = [language for language in weights if language in _LANGUAGES and weights[language] > 0]
    return max(asked, key=lambda language: weights[language], default=_LANGUAGES[0])


def _weight(parameter: str) -> float:
    name, _, number = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(number)
    except ValueError:
        return 0.0
