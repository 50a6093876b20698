"""One account's requests: each is answered as expected, or with the error that says what to do."""

from icloud.credentials import AppleCredential
from icloud.errors import NotUnderstood
from icloud.gate import Gate, Target, UrlRefused
from icloud.judgement import Host, Refusal, Step, judged, retry_after
from icloud.transport import Answer, Transport
from icloud.turnstile import Turnstile, alone
from icloud.wire import multistatus
from icloud.wire.requests import Request


class Exchange:
    """Asks on behalf of one credential."""

    def __init__(
        self, transport: Transport, gate: Gate, credential: AppleCredential, turnstile: Turnstile | None = None
    ) -> None:
        self._transport = transport
        self._gate = gate
        self._credential = credential
        self._turnstile = turnstile

    async def ask(self, target: Target, request: Request, *, step: Step, host: Host) -> Answer:
        """Answer with an expected status; raise an ICloudError for everything else."""
        answer = await self._transport.ask(target, request, self._credential, self._turnstile)
        if answer.status in request.expected:
            return answer
        refusal = Refusal(
            answer.status,
            multistatus.conditions(answer.body),
            alone(answer.status, retry_after(answer.headers)),
            names_another="Location" in answer.headers,
        )
        raise judged(step, host, refusal)

    def admitted(self, url: str, *, base: Target | None = None) -> Target:
        """A URL that the server named, if it may be asked; NotUnderstood if not."""
        try:
            return self._gate.admit(url, base=base)
        except UrlRefused:
            raise NotUnderstood("url_refused") from None
