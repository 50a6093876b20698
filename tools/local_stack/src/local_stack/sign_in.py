"""A stand-in for the platform's sign-in page: whoever opens it says who they are, and is believed.

It is a process of the local stack alone; nothing of it is in any service.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from local_stack.ports import HOST
from local_stack.tokens import TokenKeys

SCOPE: Final = "calendar:manage availability:read"
_LASTS: Final = timedelta(hours=12)
_ACCOUNT: Final = "acc-demo"
_USER: Final = "usr-marie"
_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in (local stack)</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 26rem; margin: 12vh auto; padding: 0 1.25rem; font: 1rem/1.55 system-ui, sans-serif; }}
button, input {{ box-sizing: border-box; width: 100%; min-height: 2.9rem; padding: .5rem .8rem; border-radius: 11px;
  border: 1px solid #858d86; font: inherit; }}
button {{ border-color: #0b6e4f; background: #0b6e4f; color: #fff; font-weight: 600; cursor: pointer; }}
form {{ display: grid; gap: .6rem; margin: 1.5rem 0; }}
</style>
</head>
<body>
<main>
<h1>Sign in</h1>
<p>This page stands in for CrocoClick's own. It asks for no password, and runs on the local stack only.</p>
<form method="post" action="{connector}/calendars/settings/session">
<input type="hidden" name="token" value="{token}">
<button type="submit">Continue as {user} of {account}</button>
</form>
<form method="get" action="/">
<label for="account">Or as somebody else: account</label>
<input id="account" name="account" value="{account}" required pattern="[\\w.-]+">
<label for="user">User</label>
<input id="user" name="user" value="{user}" required pattern="[\\w.-]+">
<button type="submit">Take this user</button>
</form>
</main>
</body>
</html>
"""


class _Answer(NamedTuple):
    status: int
    text: str


class SignIn:
    """Answers the page's requests; `connector` is the origin that sessions begin at."""

    def __init__(self, keys: TokenKeys, connector: str, port: int) -> None:
        self._keys = keys
        self._connector = connector
        self._hosts = {f"{host}:{port}" for host in (HOST, "localhost")}

    def answer(self, path: str, host: str | None) -> _Answer:
        """The page for the user that the query names, or for the demo user."""
        if host not in self._hosts:  # a name of somebody else's that leads here would let their scripts read tokens
            return _Answer(403, "Open this page by its own address.")
        address = urlsplit(path)
        if address.path != "/":
            return _Answer(404, "There is nothing here.")
        query = parse_qs(address.query)
        account, user = query.get("account", [_ACCOUNT])[0], query.get("user", [_USER])[0]
        if not (_ID.fullmatch(account) and _ID.fullmatch(user)):
            return _Answer(400, "Ids are made of letters, digits, dots, hyphens and underscores.")
        token = self._keys.token({"sub": user, "account_id": account, "scope": SCOPE}, _LASTS)
        parts = {"connector": self._connector, "token": token, "account": account, "user": user}
        return _Answer(200, _PAGE.format(**{name: escape(part) for name, part in parts.items()}))


def server(sign_in: SignIn, port: int) -> ThreadingHTTPServer:
    """Listens; `serve_forever` serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = sign_in.answer(self.path, self.headers.get("Host"))
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8" if status == 200 else "text/plain")  # noqa: PLR2004 - OK
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Frame-Options", "DENY")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a request's line holds no news."""

    return ThreadingHTTPServer((HOST, port), Handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser("python -m local_stack.sign_in")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--connector", required=True, metavar="URL")
    chosen = parser.parse_args(arguments)
    server(SignIn(TokenKeys(chosen.keys), chosen.connector, chosen.port), chosen.port).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
