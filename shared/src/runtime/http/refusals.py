"""The refusals that every interface of ours may answer with."""

from typing import Final

from runtime.http.problems import Problem, Title

_BY_STATUS: Final[dict[int, tuple[str, Title]]] = {
    401: (
        "unauthenticated",
        {
            "en": "Sign in again: the token is missing or not valid.",
            "fr": "Reconnectez-vous : le jeton manque ou n'est pas valable.",
        },
    ),
    403: ("forbidden", {"en": "You may not do this.", "fr": "Vous n'avez pas le droit de faire cela."}),
    404: ("not_found", {"en": "There is nothing here.", "fr": "Il n'y a rien ici."}),
    405: ("method_not_allowed", {"en": "This cannot be done here.", "fr": "Cette action n'est pas possible ici."}),
    408: (
        "request_too_slow",
        {
            "en": "The request took too long to arrive. Try again.",
            "fr": "La requête a mis trop de temps à arriver. Réessayez.",
        },
    ),
    413: ("request_too_large", {"en": "The request is too large.", "fr": "La requête est trop volumineuse."}),
    415: (
        "unsupported_media_type",
        {"en": "The request's format is not supported.", "fr": "Le format de la requête n'est pas pris en charge."},
    ),
    422: (
        "invalid_request",
        {"en": "Some fields are missing or not valid.", "fr": "Des champs manquent ou ne sont pas valables."},
    ),
    500: (
        "internal_error",
        {
            "en": "Something went wrong on our side. Try again later.",
            "fr": "Une erreur s'est produite de notre côté. Réessayez plus tard.",
        },
    ),
    503: (
        "temporarily_unavailable",
        {
            "en": "This does not work at the moment. Try again soon.",
            "fr": "Ce service est momentanément indisponible. Réessayez bientôt.",
        },
    ),
}
_OTHER: Final = ("refused", {"en": "This request cannot be answered.", "fr": "Cette requête ne peut pas aboutir."})


def refusal(status: int, headers: dict[str, str] | None = None, extra: dict[str, object] | None = None) -> Problem:
    """Our general answer of that status."""
    code, title = _BY_STATUS.get(status, _OTHER)
    return Problem(status, code, title, headers=headers, extra=extra)
