"""The words: the same in both languages, and no others anywhere."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import connector.inbound.pages
from connector.inbound.pages.catalogue import LANGUAGES, read_catalogues
from connector.inbound.pages.visit import TOLD

PACKAGE = Path(connector.inbound.pages.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates").glob("*.html"))
WORDS = read_catalogues()
ALIKE = {"ahead.time.between", "date.day", "date.day_and_month", "date.range", "date.short_day"}
"""Texts that may well be the same in both languages."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def spoken(template: str) -> str:
    """What of a template would be read out: no tags, no expressions, no comments, none of what goes into tags."""
    attributes = r"\{% macro described.*?endmacro %\}|\{% block width %\}.*?\{% endblock %\}"
    without = re.sub(attributes, "", template, flags=re.DOTALL)
    without = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", without, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", without)


def used(kind: str) -> Iterator[str]:
    """Keys that stand in templates or code as they are."""
    for file in (*TEMPLATES, *PACKAGE.glob("*.py")):
        yield from re.findall(rf"""\b(?:t|words){kind}\(\s*["']([a-z_.]+)["'][,)]""", file.read_text(encoding="utf-8"))


def test_both_languages_have_the_same_keys() -> None:
    french, english = (set(WORDS[language].texts) for language in LANGUAGES)

    assert french == english


@pytest.mark.parametrize("key", sorted(WORDS["en"].texts))
def test_both_languages_have_the_same_placeholders(key: str) -> None:
    french, english = (WORDS[language].texts[key] for language in LANGUAGES)

    assert placeholders(french) == placeholders(english)


def test_nothing_is_left_untranslated() -> None:
    same = {key for key, text in WORDS["fr"].texts.items() if text and text == WORDS["en"].texts[key]}

    assert same <= ALIKE


def test_the_words_that_are_asked_for_are_there() -> None:
    known = set(WORDS["en"].texts)

    single, counted = set(used("")), set(used(r"\.counted"))

    assert len(single) > 50
    assert single - known == set()
    assert {f"{key}.{form}" for key in counted for form in ("one", "other")} - known == set()
    assert {f"told.{key}" for key in TOLD} == {key for key in known if key.startswith("told.")}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_words_of_their_own(template: Path) -> None:
    said = set(re.findall(r"\w{2,}", spoken(template.read_text(encoding="utf-8"))))

    assert said <= {"CrocoClick", "account", "apple", "com"}


def test_french_spaces_do_not_break_and_apostrophes_are_real() -> None:
    french = WORDS["fr"]

    assert french("new.lead").endswith("utilisez-vous\u00a0?")
    assert "«\u00a0CrocoClick\u00a0»" in french("steps.generate")
    assert not any("'" in words.texts[key] for words in WORDS.values() for key in words.texts)


def test_no_line_ends_within_a_word_with_a_hyphen() -> None:
    assert "adresse e\N{NON-BREAKING HYPHEN}mail" in WORDS["fr"]("form.apple_id_hint")
    assert not any("e-mail" in text for words in WORDS.values() for text in words.texts.values())


def test_titles_are_promised_to_their_owner_alone() -> None:
    assert "you alone see them" in WORDS["en"]("setup.titles.hint")
    assert "vous seul les voyez" in WORDS["fr"]("setup.titles.hint")


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("fr", 0, "il y a 0 minute"),
        ("fr", 1, "il y a 1 minute"),
        ("fr", 2, "il y a 2 minutes"),
        ("en", 0, "0 minutes ago"),
        ("en", 1, "1 minute ago"),
        ("en", 2, "2 minutes ago"),
    ],
)
def test_each_language_counts_in_its_own_way(language: str, number: int, said: str) -> None:
    assert WORDS[language].counted("date.minutes_ago", number) == said


def test_what_is_filled_in_is_escaped() -> None:
    said = WORDS["en"]("held.heading", calendar="<b>Work</b>")

    assert "&lt;b&gt;Work" in said
