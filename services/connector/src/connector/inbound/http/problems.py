"""Refusals in the words of people: what happened, and what to do next."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal

from connector.application.refusals import AlreadyConnected, AppleAccountInUse, NoSuchConnection
from icloud import CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater
from runtime.http import Problem
from runtime.logs import get_logger
from runtime.mongo import is_infrastructure

_log = get_logger(__name__)

Title = Mapping[str, str]
Field = Literal["apple_id", "app_password", "time_zone"]

_MALFORMED: Final[Mapping[Field, Title]] = {
    "apple_id": {
        "en": "This is not an Apple ID. Enter the e-mail address that you sign in to Apple with.",
        "fr": "Ceci n'est pas un identifiant Apple. Saisissez l'adresse e-mail avec laquelle vous vous connectez "
        "à Apple.",
    },
    "app_password": {
        "en": "This is not an app-specific password: it has sixteen letters, in groups of four. Create one at "
        "account.apple.com and paste it here. Your usual Apple password will not work.",
        "fr": "Ceci n'est pas un mot de passe pour application : il compte seize lettres, par groupes de quatre. "
        "Créez-en un sur account.apple.com et collez-le ici. Votre mot de passe Apple habituel ne fonctionnera pas.",
    },
    "time_zone": {
        "en": "This time zone is unknown. Choose one from the list, such as Europe/Paris.",
        "fr": "Ce fuseau horaire est inconnu. Choisissez-en un dans la liste, par exemple Europe/Paris.",
    },
}

REFUSALS: Final[Mapping[type[Exception], tuple[int, str, Title]]] = {
    CredentialsRejected: (
        422,
        "credentials_rejected",
        {
            "en": "Apple did not accept this Apple ID with this app-specific password. Check the Apple ID, or create "
            "a new app-specific password at account.apple.com: changing your Apple password revokes all of them.",
            "fr": "Apple n'a pas accepté cet identifiant avec ce mot de passe pour application. Vérifiez "
            "l'identifiant, ou créez un nouveau mot de passe pour application sur account.apple.com : changer votre "
            "mot de passe Apple les révoque tous.",
        },
    ),
    CalendarNotEnabled: (
        422,
        "icloud_calendar_not_enabled",
        {
            "en": "This Apple account has no iCloud Calendar. Switch Calendar on in the iCloud settings of your "
            "device, then try again.",
            "fr": "Ce compte Apple n'a pas de calendrier iCloud. Activez Calendrier dans les réglages iCloud de votre "
            "appareil, puis réessayez.",
        },
    ),
    TryLater: (
        503,
        "icloud_unavailable",
        {
            "en": "iCloud does not answer at the moment. Nothing was stored; try again in a few minutes.",
            "fr": "iCloud ne répond pas pour le moment. Rien n'a été enregistré ; réessayez dans quelques minutes.",
        },
    ),
    NotUnderstood: (
        502,
        "icloud_not_understood",
        {
            "en": "iCloud answered in a way that we do not understand. Nothing was stored; our team has been told. "
            "Try again later.",
            "fr": "La réponse d'iCloud est incompréhensible pour nous. Rien n'a été enregistré ; notre équipe est "
            "prévenue. Réessayez plus tard.",
        },
    ),
    AlreadyConnected: (
        409,
        "already_connected",
        {
            "en": "You have already connected an iCloud calendar here. Disconnect it before you connect another.",
            "fr": "Vous avez déjà connecté un calendrier iCloud ici. Déconnectez-le avant d'en connecter un autre.",
        },
    ),
    AppleAccountInUse: (
        409,
        "apple_account_in_use",
        {
            "en": "This Apple account is in use in another CrocoClick account. Disconnect it there, or connect another "
            "Apple account.",
            "fr": "Ce compte Apple est utilisé dans un autre compte CrocoClick. Déconnectez-le là-bas, ou connectez un "
            "autre compte Apple.",
        },
    ),
    NoSuchConnection: (
        404,
        "connection_not_found",
        {
            "en": "There is no such connection. Reload the page to see the current one.",
            "fr": "Cette connexion n'existe pas. Rechargez la page pour voir la connexion actuelle.",
        },
    ),
}


_UNAVAILABLE: Final[Title] = {
    "en": "We cannot do this at the moment. Nothing is lost; try again soon.",
    "fr": "Cette action est momentanément impossible. Rien n'est perdu ; réessayez bientôt.",
}


@contextmanager
def refusals_as_problems() -> Iterator[None]:
    """Let refusals out as the problems that they are to the caller; a database that is away is one, too."""
    try:
        yield
    except tuple(REFUSALS) as refusal:
        status, code, title = next(said for kind, said in REFUSALS.items() if isinstance(refusal, kind))
        _tell(refusal, code)
        raise Problem(status, code, title, headers=_headers(refusal)) from refusal
    except Exception as error:
        if not is_infrastructure(error):
            raise
        _log.warning("request_met_no_database", error=type(error).__name__)
        raise Problem(503, "temporarily_unavailable", _UNAVAILABLE, headers={"Retry-After": "10"}) from error


def malformed(field: Field, language: str) -> Problem:
    """What was typed into `field` cannot be right; nobody was asked."""
    title = _MALFORMED[field]
    errors = [{"field": f"body.{field}", "message": title[language]}]
    return Problem(422, "credentials_malformed", title, extra={"errors": errors})


def user_id_needed() -> Problem:
    """A service must say whose connections it asks for."""
    return Problem(
        422,
        "user_id_needed",
        {
            "en": "A service's token asks for one user: add user_id to the query.",
            "fr": "Le jeton d'un service porte sur un utilisateur : ajoutez user_id à la requête.",
        },
    )


def person_needed() -> Problem:
    """Connections are made and ended by the persons they belong to."""
    return Problem(
        403,
        "person_needed",
        {
            "en": "Only the user in person may do this. Use that user's own token.",
            "fr": "Seul l'utilisateur en personne peut le faire. Utilisez son propre jeton.",
        },
    )


def documented(*refusals: type[Exception] | Problem) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's `responses` for these refusals, each with an example."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for refusal in refusals:
        problem = refusal if isinstance(refusal, Problem) else Problem(*REFUSALS[refusal])
        by_status.setdefault(problem.status, {})[problem.code] = {"value": _example(problem)}
    return {
        status: {
            "description": " or ".join(f"`{code}`" for code in examples),
            "content": {"application/problem+json": {"examples": examples}},
        }
        for status, examples in by_status.items()
    }


def _example(problem: Problem) -> dict[str, Any]:
    body = {"type": "about:blank", "title": problem.title["en"], "status": problem.status, "code": problem.code}
    return body | problem.extra


def _tell(refusal: Exception, code: str) -> None:
    """One line per outcome; what Apple's answer was, where it was, in a short word of ours."""
    reason = getattr(refusal, "reason", None)
    if isinstance(refusal, NotUnderstood):
        _log.error("icloud_not_understood", reason=reason)
    else:
        _log.info("request_refused", code=code, reason=reason)


def _headers(refusal: Exception) -> dict[str, str]:
    if isinstance(refusal, TryLater) and refusal.after is not None:
        return {"Retry-After": str(math.ceil(refusal.after.total_seconds()))}
    return {}
