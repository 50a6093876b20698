"""From the environment to one frozen settings object, or to every mistake at once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from runtime.settings.fragments import RULE, Fragment


class SettingsInvalid(Exception):
    """The environment does not make sense; `mistakes` tells each variable and what is expected, never a value."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("Settings are wrong:\n" + "\n".join(f"  {mistake}" for mistake in mistakes))
        self.mistakes = mistakes


S = TypeVar("S", bound=Fragment)


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """The settings object that `environ` describes; an empty variable counts as unset.

    A variable X of a secret may come as X_FILE instead: the path of a file that holds it.
    Raises SettingsInvalid with every mistake at once.
    """
    mistakes: list[str] = []
    values = _gather(cls, environ, mistakes)
    try:
        settings = cls.model_validate(values)
    except ValidationError as wrong:
        told = {mistake.partition(":")[0].removesuffix("_FILE") for mistake in mistakes}
        mistakes += [mistake for mistake in _mistakes(cls, wrong) if mistake.partition(":")[0] not in told]
        raise SettingsInvalid(tuple(mistakes)) from None
    if mistakes:
        raise SettingsInvalid(tuple(mistakes))
    return settings


def _gather(cls: type[Fragment], environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        if _is_fragment(field):
            values[name] = _gather(field.annotation, environ, mistakes)  # type: ignore[arg-type]  # _is_fragment has looked
        elif (variable := _variable(field)) and (value := _read(variable, field, environ, mistakes)):
            values[variable] = value
    return values


def _read(variable: str, field: FieldInfo, environ: Mapping[str, str], mistakes: list[str]) -> str | None:
    value, file = environ.get(variable), environ.get(f"{variable}_FILE")
    if not file or not _is_secret(field):
        return value
    if value:
        mistakes.append(f"{variable}: set it or {variable}_FILE, not both")
        return None
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        mistakes.append(f"{variable}_FILE: expected a readable text file")
        return None


def _mistakes(cls: type[Fragment], wrong: ValidationError) -> Iterator[str]:
    """One line per variable. pydantic's own messages may quote the value, so they are not used."""
    expected = dict(_described(cls))
    seen: set[str] = set()
    for error in wrong.errors(include_input=False, include_url=False, include_context=False):
        variable = next((str(part) for part in error["loc"] if part in expected), "")
        if error["type"] == RULE:
            yield error["msg"]
        elif variable not in seen:
            seen.add(variable)
            fault = "missing, expected" if error["type"] == "missing" else "expected"
            yield f"{variable}: {fault} {expected.get(variable, '')}".rstrip()


def _described(cls: type[Fragment]) -> Iterator[tuple[str, str]]:
    for field in cls.model_fields.values():
        if _is_fragment(field):
            yield from _described(field.annotation)  # type: ignore[arg-type]  # _is_fragment has looked
        elif variable := _variable(field):
            yield variable, field.description or ""


def _variable(field: FieldInfo) -> str | None:
    return field.validation_alias if isinstance(field.validation_alias, str) else None


def _is_fragment(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Fragment)


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation in {SecretStr, SecretStr | None}
