"""A question on its way: what each of its redirects and repetitions needs, and what each pays."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp

from icloud.credentials import AppleCredential
from icloud.judgement import retry_after
from icloud.turnstile import Errand, Fate, Outcome, Turnstile
from icloud.wire.requests import Request


@dataclass(frozen=True, slots=True)
class Call:
    """One question, with all that its redirects and repetitions need as well."""

    request: Request
    credential: AppleCredential
    turnstile: Turnstile | None
    clock: asyncio.Timeout

    async def admitted(self, errand: Errand) -> None:
        """Pass the turnstile; the clock stands still meanwhile."""
        if self.turnstile is None:
            return
        loop, due = asyncio.get_running_loop(), self.clock.when()
        began = loop.time()
        self.clock.reschedule(None)
        await self.turnstile.admit(errand)
        self.clock.reschedule(None if due is None else due + loop.time() - began)

    def left(self, errand: Errand, fate: Fate, response: aiohttp.ClientResponse | None) -> None:
        """Tell the turnstile."""
        if self.turnstile is None:
            return
        if response is None:
            outcome = Outcome(fate)
        elif response.status < HTTPStatus.TOO_MANY_REQUESTS:
            outcome = Outcome(fate, response.status)
        else:
            outcome = Outcome(fate, response.status, retry_after(response.headers))
        self.turnstile.left(errand, outcome)
