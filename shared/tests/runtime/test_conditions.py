"""If-Match, as RFC 9110 writes it: one reading for every interface."""

import pytest

from runtime.http import Problem
from runtime.http.conditions import named, quoted


@pytest.mark.parametrize("said", [None, "*", " *\t"])
def test_no_condition_and_any_are_none(said: str | None) -> None:
    assert named(said) is None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('"1"', {"1"}),
        ('"1", "2"', {"1", "2"}),
        (',"with,a,comma",\t"é",', {"with,a,comma", "é"}),
        ('W/"1"', set()),
        ('W/"1", "2"', {"2"}),
        ('""', {""}),
        ("", set()),
        (quoted("c-1"), {"c-1"}),
    ],
)
def test_only_strong_tags_are_named(said: str, words: set[str]) -> None:
    assert named(said) == frozenset(words)


@pytest.mark.parametrize(
    "said", ["1", 'w/"1"', '"1" "2"', '*, "1"', '"a space"', '"1', '"1""2"', "\N{NO-BREAK SPACE}*"]
)
def test_what_is_no_list_of_tags_is_refused(said: str) -> None:
    with pytest.raises(Problem, match="if_match_malformed"):
        named(said)
