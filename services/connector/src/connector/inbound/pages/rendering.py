"""From templates to answers: HTML with the headers that pages need, and the files that they use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from connector.inbound.pages import zones
from connector.inbound.pages.catalogue import NAMES, Words, read_catalogues

PREFIX: Final = "/calendars"
BASE: Final = f"{PREFIX}/settings"
"""Where the pages are, for those who look at them."""

_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Nothing inline, nothing from elsewhere, nobody around it; forms go home.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    # Under `no-referrer` browsers would send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Vary": "Accept-Language, Cookie",
    "X-Content-Type-Options": "nosniff",
}
_STATIC_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_INDENT: Final = re.compile(r"\n\s+")
"""A tenth of a page's weight, and nobody sees it."""
_A_YEAR: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file of the package that browsers may keep: its address changes with its content."""

    name: str
    content: bytes
    packed: bytes

    @property
    def address(self) -> str:
        return f"{BASE}/static/{self.name}?{sha256(self.content).hexdigest()[:12]}"

    def response(self, request: Request) -> Response:
        """The file, packed for those who can unpack it. Pages are not: what is packed beside a secret betrays it."""
        packs = "gzip" in request.headers.get("accept-encoding", "")
        headers = {"Cache-Control": _A_YEAR, "Vary": "Accept-Encoding"} | (
            {"Content-Encoding": "gzip"} if packs else {}
        )
        media_type = _STATIC_TYPES[self.name.rpartition(".")[2]]
        return Response(self.packed if packs else self.content, media_type=media_type, headers=headers)


class Renderer:
    """Templates, words and files of the pages, read once."""

    def __init__(self) -> None:
        self.words = read_catalogues()
        self.files = _static_files()
        self._templates = Environment(
            loader=PackageLoader(__package__),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals |= {"base": BASE, "languages": NAMES, "static": lambda name: self.files[name].address}

    def page(self, template: str, words: Words, status: int = 200, **context: object) -> Response:
        """The page. `path`, what its language switch comes back to, must be in the context."""
        html = _INDENT.sub("\n", self._templates.get_template(template).render(t=words, **context))
        return HTMLResponse(html, status, _HEADERS | {"Content-Language": words.language})


@cache
def renderer() -> Renderer:
    """One for the process: it knows nothing of anybody's, and templates take long to read."""
    return Renderer()


def _static_files() -> Mapping[str, StaticFile]:
    folder = files(__package__) / "static"
    contents = {file.name: file.read_bytes() for file in folder.iterdir()} | {"zones.txt": zones.known().encode()}
    return {name: StaticFile(name, content, compress(content, mtime=0)) for name, content in contents.items()}
