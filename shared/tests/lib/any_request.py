"""Whatever an interface's own document allows, and much that it does not, sent to it in one process."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

_SEED = 20260302
_PROMISES = ("not_a_server_error", "content_type_conformance", "response_schema_conformance")


def send_anything(
    app: FastAPI, headers: Mapping[str, str], known: Mapping[str, object], *, examples: int
) -> Iterator[tuple[str, int]]:
    """Send so many requests of either kind, sound and unsound, to each operation; its name and each answer's status.

    Raises where one is answered with 5xx, or with something else than the document says. The same requests every time.
    `known` are values by their names: they take the place of others in paths always, and elsewhere in every second
    sound request, for what is made up seldom gets far.
    """
    load_all_checks()
    promises: list[Any] = [CHECKS.get_one(name) for name in _PROMISES]
    results: Iterable[Any] = schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations()
    for result in results:
        operation = result.ok()
        for mode in GenerationMode:
            numbers, statuses = count(), list[int]()

            @seed(_SEED)
            @settings(
                max_examples=examples,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Case[Any]) -> None:
                _put(known, case.path_parameters)
                if mode is GenerationMode.POSITIVE and next(numbers) % 2:  # noqa: B023 - it is run before the next turn
                    for part in (case.query, case.headers, case.body):
                        _put(known, part)
                answer = case.call(headers=dict(headers))
                case.validate_response(answer, checks=promises)
                statuses.append(answer.status_code)  # noqa: B023 - as above

            # Where any word is sound, in a path without a body say, nothing unsound can be made up.
            with suppress(*[Unsatisfiable] if mode is GenerationMode.NEGATIVE else []):
                send()
            yield from ((operation.label, status) for status in statuses)


def _put(known: Mapping[str, object], part: object) -> None:
    if hasattr(part, "update") and hasattr(part, "keys"):
        part.update({name: value for name, value in known.items() if name in part.keys()})  # noqa: SIM118 - it need be no dict
