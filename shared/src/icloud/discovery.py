"""From the entry URL to the home of the calendars (RFC 6764 §6, RFC 5397, RFC 4791 §6.2.1)."""

from icloud import paths
from icloud.errors import CalendarNotEnabled, CredentialsRejected, ICloudError, NotUnderstood, TryLater
from icloud.exchange import Exchange
from icloud.gate import Target
from icloud.judgement import Host, Step
from icloud.values import Home
from icloud.wire import answers, requests

_WELL_KNOWN = "/.well-known/caldav"


async def discovered(exchange: Exchange, entry: Target) -> Home:
    """Find the home. Two requests at Apple; others may need the well-known URL in between.

    Raise CredentialsRejected, CalendarNotEnabled (a principal without home), TryLater, Forbidden or NotUnderstood.
    """
    principal, trusted = await _principal(exchange, entry)
    # A host that the entry itself sent us to speaks for it; one that a property names does not.
    host = Host.ENTRY if principal.origin == trusted else Host.OTHER
    answer = await exchange.ask(principal, requests.home_set(), step=Step.HOME_SET, host=host)
    href, addresses = answers.home_set(answer.body, base=answer.target.path)
    if href is None:
        raise CalendarNotEnabled
    home = exchange.admitted(href, base=answer.target)
    return Home(
        principal=paths.decoded(principal.path),
        origin=home.origin,
        path=paths.of_collection(paths.decoded(home.path)),
        addresses=addresses,
    )


async def _principal(exchange: Exchange, entry: Target) -> tuple[Target, str]:
    """URL of the principal, and the origin that named it."""
    try:
        return await _named_principal(exchange, entry)
    except (CredentialsRejected, TryLater):
        raise
    except ICloudError as error:
        refusal = error
    try:
        return await _named_principal(exchange, exchange.admitted(_WELL_KNOWN, base=entry))
    except (CredentialsRejected, TryLater):
        raise
    except ICloudError:
        # What the configured entry itself said tells more.
        raise refusal from None


async def _named_principal(exchange: Exchange, target: Target) -> tuple[Target, str]:
    answer = await exchange.ask(target, requests.principal(), step=Step.PRINCIPAL, host=Host.ENTRY)
    href = answers.principal(answer.body, base=answer.target.path)
    if href is None:
        raise NotUnderstood("no_principal")
    return exchange.admitted(href, base=answer.target), answer.target.origin
