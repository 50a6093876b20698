"""A small client of the admin API, for tests in Python. It blocks; from async tests use `asyncio.to_thread`."""

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx


@dataclass(frozen=True, slots=True)
class SimulatedAccount:
    """A new account with its passwords; `repr` hides them."""

    apple_id: str
    app_password: str
    main_password: str
    dsid: str
    principal: str
    home: str
    base: str

    def __repr__(self) -> str:
        return f"SimulatedAccount({self.apple_id!r})"


@dataclass(frozen=True, slots=True)
class SimulatedObject:
    """An object as it really is. `href` is the percent-decoded path."""

    href: str
    calendar: str
    name: str
    uid: str | None
    etag: str
    ics: str


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request that the simulator got. `status` 0: the connection was reset."""

    number: int
    at: float
    account: str | None
    host: str
    method: str
    kind: str
    path: str
    status: int
    bytes_in: int
    bytes_out: int
    fault: str | None


class SimulatorAdmin:
    """Talks to the admin port. Raises httpx.HTTPStatusError when the simulator refuses."""

    def __init__(self, url: str, *, timeout: float = 60) -> None:
        base = f"{url.rstrip('/')}/v1"
        self._http = httpx.Client(base_url=base, timeout=timeout, trust_env=False, verify=tls(url))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> dict[str, Any]:
        """Return `caldav_url` and the number of accounts."""
        return self._call("GET", "/health")  # type: ignore[no-any-return]

    def create_account(self, apple_id: str | None = None, **wish: object) -> SimulatedAccount:
        """Open an account (see AccountWish: main_password, app_password, name, aliases, dsid, default_calendars)."""
        answer = self._call("POST", "/accounts", {"apple_id": apple_id, **wish})
        return SimulatedAccount(**{field.name: answer[field.name] for field in fields(SimulatedAccount)})

    def account(self, apple_id: str) -> dict[str, Any]:
        """Show an account."""
        return self._call("GET", _account(apple_id))  # type: ignore[no-any-return]

    def set_standing(self, apple_id: str, **change: bool) -> None:
        """Set `locked`, `calendar_enabled`."""
        self._call("PATCH", _account(apple_id), change)

    def new_app_password(self, apple_id: str, password: str | None = None) -> str:
        """Hand out one more app-specific password."""
        answer = self._call("POST", f"{_account(apple_id)}/app-passwords", {"password": password})
        return str(answer["password"])

    def revoke_app_password(self, apple_id: str, password: str | None = None) -> int:
        """Revoke one app-specific password, or all; returns how many."""
        return int(self._call("POST", f"{_account(apple_id)}/app-passwords/revoke", {"password": password}))

    def change_main_password(self, apple_id: str, password: str | None = None) -> str:
        """Change the Apple password: every app-specific one is revoked."""
        return str(self._call("PUT", f"{_account(apple_id)}/main-password", {"password": password})["password"])

    def move_partition(self, apple_id: str, *, base: str | None = None, old_host: str = "unauthorized") -> str:
        """Move an account to another host; returns its base. `old_host`: see OldHost."""
        answer = self._call("POST", f"{_account(apple_id)}/partition", {"base": base, "old_host": old_host})
        return str(answer["base"])

    def calendars(self, apple_id: str) -> list[dict[str, Any]]:
        """List calendars, reminders lists, subscriptions."""
        return self._call("GET", f"{_account(apple_id)}/calendars")  # type: ignore[no-any-return]

    def add_calendar(self, apple_id: str, name: str, **wish: object) -> dict[str, Any]:
        """Add a calendar (see CalendarWish: kind, access, path_id, color, source)."""
        return self._call("POST", f"{_account(apple_id)}/calendars", {"name": name, **wish})  # type: ignore[no-any-return]

    def remove_calendar(self, apple_id: str, calendar: str) -> None:
        """Remove a calendar."""
        self._call("DELETE", _calendar(apple_id, calendar))

    def share_calendar(self, apple_id: str, calendar: str, *, guest: str, access: str = "read_only") -> dict[str, Any]:
        """Let another account see a calendar."""
        path = f"{_calendar(apple_id, calendar)}/shares"
        return self._call("POST", path, {"guest": guest, "access": access})  # type: ignore[no-any-return]

    def unshare_calendar(self, apple_id: str, calendar: str, *, guest: str) -> None:
        """Take a shared calendar away."""
        self._call("DELETE", f"{_calendar(apple_id, calendar)}/shares/{quote(guest, safe='@')}")

    def empty_calendar(self, apple_id: str, calendar: str) -> int:
        """Remove every object; returns how many."""
        return int(self._call("POST", f"{_calendar(apple_id, calendar)}/empty"))

    def touch(self, apple_id: str, calendar: str, names: Iterable[str] | None = None) -> int:
        """Give objects new ETags and the same text."""
        chosen = None if names is None else list(names)
        return int(self._call("POST", f"{_calendar(apple_id, calendar)}/touch", {"names": chosen}))

    def expire_tokens(self, apple_id: str, calendar: str) -> None:
        """Kill every sync-token of a calendar."""
        self._call("POST", f"{_calendar(apple_id, calendar)}/expire-tokens")

    def objects(self, apple_id: str) -> list[SimulatedObject]:
        """Tell the truth: every object of an account."""
        return [SimulatedObject(**item) for item in self._call("GET", f"{_account(apple_id)}/objects")]

    def put_objects(
        self, apple_id: str, calendar: str, texts: Mapping[str, str], *, trace: str = "logged"
    ) -> list[str]:
        """Store texts by name, verbatim and all at once. Returns their hrefs. `trace`: see Trace."""
        body = {"objects": [{"name": name, "ics": text} for name, text in texts.items()], "trace": trace}
        return [item["href"] for item in self._call("POST", f"{_calendar(apple_id, calendar)}/objects", body)]

    def put_object(self, apple_id: str, calendar: str, name: str, ics: str) -> str:
        """Store one text verbatim. Returns its href."""
        return self.put_objects(apple_id, calendar, {name: ics})[0]

    def delete_object(self, apple_id: str, calendar: str, name: str, *, trace: str = "logged") -> None:
        """Remove an object."""
        self._call("DELETE", f"{_object(apple_id, calendar, name)}?trace={trace}")

    def move_object(self, apple_id: str, calendar: str, name: str, *, to: str) -> str:
        """Move an object to another calendar. Returns its new href."""
        return str(self._call("POST", f"{_object(apple_id, calendar, name)}/move", {"to": to})["href"])

    def add_event(
        self, apple_id: str, calendar: str, title: str, span: tuple[date | datetime, date | datetime], **wish: object
    ) -> str:
        """Add an event as the iPhone writes it (see EventWish: time_zone, rule, transparent, …). Returns its href."""
        start, end = (moment.isoformat() for moment in span)
        body = {"title": title, "start": start, "end": end, **wish}
        return str(self._call("POST", f"{_calendar(apple_id, calendar)}/events", body)["href"])

    def change_event(self, apple_id: str, calendar: str, name: str, **change: object) -> str:
        """Change an event as the user does (see EventChange: start, partstat, …). Returns its ETag."""
        body = {key: item.isoformat() if isinstance(item, date) else item for key, item in change.items()}
        return str(self._call("PATCH", _object(apple_id, calendar, name), body)["etag"])

    def split_series(
        self, apple_id: str, calendar: str, name: str, *, at: datetime, original: str = "future"
    ) -> tuple[str, str]:
        """Split a series; returns the hrefs of its future and of its past. `original`: which one is the old object."""
        body = {"at": at.isoformat(), "original": original}
        future, past = self._call("POST", f"{_object(apple_id, calendar, name)}/split", body)
        return future["href"], past["href"]

    def set_faults(self, apple_id: str | None = None, **knobs: object) -> None:
        """Replace the fault knobs of one account, or of all (see Knobs)."""
        self._call("PUT", _faults(apple_id), knobs)

    def clear_faults(self, apple_id: str | None = None) -> None:
        """Turn the knobs of one account off, or all of all."""
        self._call("DELETE", _faults(apple_id))

    def requests(self, apple_id: str | None = None, *, since: int = 0) -> list[SeenRequest]:
        """List requests after a number, oldest first."""
        query = f"since={since}" + ("" if apple_id is None else f"&account={quote(apple_id)}")
        return [SeenRequest(**item) for item in self._call("GET", f"/requests?{query}")]

    def totals(self) -> list[dict[str, Any]]:
        """Sum requests by account, kind and status."""
        return self._call("GET", "/requests/totals")  # type: ignore[no-any-return]

    def forget_requests(self) -> None:
        """Forget requests and sums."""
        self._call("DELETE", "/requests")

    def invitations(self, apple_id: str | None = None) -> list[dict[str, Any]]:
        """List what a real server would have mailed to people."""
        query = "" if apple_id is None else f"?account={quote(apple_id)}"
        return self._call("GET", f"/invitations{query}")  # type: ignore[no-any-return]

    def move_clock(self, offset_seconds: float) -> None:
        """Let the simulated clock run ahead of the machine's."""
        self._call("PUT", "/clock", {"offset_seconds": offset_seconds})

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def tls(url: str) -> ssl.SSLContext:
    """Return what checks certificates. A plain http URL has none, and reading authorities for it takes 30 ms."""
    return ssl.create_default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _account(apple_id: str) -> str:
    return f"/accounts/{quote(apple_id, safe='@')}"


def _calendar(apple_id: str, calendar: str) -> str:
    return f"{_account(apple_id)}/calendars/{quote(calendar)}"


def _object(apple_id: str, calendar: str, name: str) -> str:
    return f"{_calendar(apple_id, calendar)}/objects/{quote(name)}"


def _faults(apple_id: str | None) -> str:
    return "/faults" if apple_id is None else f"{_account(apple_id)}/faults"
