"""What is wrong with a request, field by field, without a word of what was sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_ANY: Final = {"en": "is not valid", "fr": "n'est pas valable"}
_MOMENT: Final = {
    "en": "must be an RFC 3339 moment, as 2026-03-02T19:00:00Z (in a query, + is written %2B)",
    "fr": "doit être un instant RFC 3339, comme 2026-03-02T19:00:00Z (dans une requête, + s'écrit %2B)",
}
_MESSAGES: Final[dict[str, dict[str, str]]] = {
    "missing": {"en": "is required", "fr": "est obligatoire"},
    "extra_forbidden": {"en": "has a member that is not known", "fr": "contient un membre inconnu"},
    "json_invalid": {"en": "is not valid JSON", "fr": "n'est pas du JSON valable"},
    "string_type": {"en": "must be a text", "fr": "doit être un texte"},
    "string_too_short": {
        "en": "must have at least {min_length} characters",
        "fr": "doit compter au moins {min_length} caractères",
    },
    "string_too_long": {
        "en": "must have at most {max_length} characters",
        "fr": "doit compter au plus {max_length} caractères",
    },
    "too_short": {"en": "must have at least {min_length} items", "fr": "doit compter au moins {min_length} éléments"},
    "too_long": {"en": "must have at most {max_length} items", "fr": "doit compter au plus {max_length} éléments"},
    "literal_error": {"en": "must be one of {expected}", "fr": "doit être l'une des valeurs {expected}"},
    "enum": {"en": "must be one of {expected}", "fr": "doit être l'une des valeurs {expected}"},
    "greater_than_equal": {"en": "must be at least {ge}", "fr": "doit valoir au moins {ge}"},
    "less_than_equal": {"en": "must be at most {le}", "fr": "doit valoir au plus {le}"},
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "timezone_aware": {"en": "needs a UTC offset", "fr": "doit indiquer un décalage UTC"},
    "blank": {"en": "must not be blank", "fr": "ne doit pas être vide"},
    "duration": {
        "en": "must be an ISO 8601 duration in weeks, days, hours, minutes and seconds",
        "fr": "doit être une durée ISO 8601 en semaines, jours, heures, minutes et secondes",
    },
    "named_twice": {"en": "names one of them twice", "fr": "nomme deux fois le même élément"},
}
_FROM_THE_SCHEMA: Final = ("min_length", "max_length", "expected", "ge", "le")
"""Parts of an error's context that the schema gives. The rest may quote the input, as pydantic's own messages do."""
_SHOWN: Final = 20
_OR: Final = {"en": " or ", "fr": " ou "}


def told(errors: Sequence[Mapping[str, Any]], language: str) -> list[dict[str, str]]:
    """Field and message of the first twenty errors."""
    return list(_told(errors[:_SHOWN], language))


def _told(errors: Sequence[Mapping[str, Any]], language: str) -> Iterator[dict[str, str]]:
    for error in errors:
        kind, context = error["type"], error.get("ctx") or {}
        known = {name: _said(context[name], language) for name in _FROM_THE_SCHEMA if name in context}
        try:
            message = _MESSAGES.get(kind, _ANY)[language].format(**known)
        except KeyError:
            message = _ANY[language]
        yield {"field": _field(kind, error["loc"]), "message": message}


def _said(bound: object, language: str) -> object:
    """Choices come in English."""
    return bound.replace(_OR["en"], _OR[language]) if isinstance(bound, str) else bound


def _field(kind: str, location: Sequence[str | int]) -> str:
    # The end of these locations comes from the request: a stranger's member name, a position in broken JSON.
    kept = location[:-1] if kind in {"extra_forbidden", "json_invalid"} else location
    return ".".join(map(str, kept))
