"""What is wrong with a form, and what has to be typed again because no page writes it back."""

import re

import pytest

from connector_examples import APP_PASSWORD, APPLE_ID
from connector_pages import NEW, ONE, Pages, Visitor, needing_reconnect

TYPED = {"apple_id": APPLE_ID, "app_password": APP_PASSWORD, "access": "full", "time_zone": "Europe/Paris"}


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Paste the password again"), ("fr", "Collez de nouveau le mot de passe")]
)
@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "other", "time_zone_other": "Atlantis"},
        {"apple_id": "marie"},
        {"app_password": "aaaa-bbbb-cccc-dddd"},
    ],
)
async def test_a_form_that_comes_back_asks_for_the_password_again(
    marie: Visitor, change: dict[str, str], language: str, said: str
) -> None:
    answer = await marie.send(NEW, TYPED | change, **{"Accept-Language": language})

    summary = answer.text.partition('id="summary"')[2].partition("</div>")[0]
    assert answer.status_code == 422
    assert re.search(rf'<a href="#app_password">{said}[^<]*</a>', summary)
    assert 'placeholder="xxxx-xxxx-xxxx-xxxx"' in answer.text
    assert not re.search(r'<input id="app_password"[^>]* value', answer.text)


@pytest.mark.parametrize("password", ["", "MyApplePassw0rd!"])
async def test_no_password_is_asked_for_again_that_was_none(marie: Visitor, password: str) -> None:
    answer = await marie.send(NEW, TYPED | {"app_password": password, "time_zone": ""})

    assert answer.status_code == 422
    assert "Paste the password again" not in answer.text


@pytest.mark.parametrize(
    ("field", "english", "french"),
    [
        ("apple_id", "Enter your Apple ID.", "Saisissez votre identifiant Apple."),
        ("app_password", "Enter the app-specific password.", "Saisissez le mot de passe pour application."),
        ("time_zone", "Choose a time zone.", "Choisissez un fuseau horaire."),
    ],
)
async def test_an_empty_field_is_not_called_wrong(marie: Visitor, field: str, english: str, french: str) -> None:
    told = [await marie.send(NEW, TYPED | {field: " "}, **{"Accept-Language": one}) for one in ("en", "fr")]

    mistakes = [page.text.partition(f'id="{field}-mistake"')[2].partition("</p>")[0] for page in told]
    assert [said.endswith(f"<span>{one}</span>") for said, one in zip(mistakes, (english, french), strict=True)] == [
        True,
        True,
    ]


async def test_another_zone_that_is_not_named_is_asked_for(marie: Visitor) -> None:
    answer = await marie.send(NEW, TYPED | {"time_zone": "other", "time_zone_other": ""})

    assert '<a href="#time_zone">Choose a time zone.</a>' in answer.text


async def test_a_form_that_brings_nothing_back_asks_for_the_password_again(there: Pages, marie: Visitor) -> None:
    there.keep(needing_reconnect())

    several = [
        await marie.send(f"{ONE}/reconnect", {"app_password": APP_PASSWORD, "apple_id": "marie"}),
        await marie.send(f"{ONE}/reconnect", {"app_password": "aaaa-bbbb-cccc-dddd"}),
        await marie.send(f"{ONE}/reconnect", {"app_password": ""}),
    ]

    assert [page.status_code for page in several] == [422, 422, 422]
    assert ["Paste the password again" in page.text for page in several] == [True, True, False]
    assert "Enter the app-specific password." in several[-1].text
    assert there.apple.asked == 1
