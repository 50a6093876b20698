import base64
import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud import AppleCredential, CredentialMalformed

DUMPERS: tuple[Callable[..., object], ...] = (
    pickle.dumps,
    copy.copy,
    copy.deepcopy,
    json.dumps,
    vars,
    dataclasses.asdict,
)
CANARY = "jane.canary@icloud.com", "cana-rypa-sswo-rdxx"


@pytest.mark.parametrize(
    "typed",
    [
        "abcd-efgh-ijkl-mnop",
        "abcdefghijklmnop",
        "  abcd-efgh-ijkl-mnop \r\n",
        "ABCD-EFGH-IJKL-MNOP",
        "Abcd efgh ijkl mnop",
        "abcd–efgh—ijkl‑mnop",  # noqa: RUF001 -- the dashes that word processors make of hyphens
        "\u200babcd-efgh\u00a0-\u2060ijkl\u00ad-mnop\ufeff",
    ],
)
def test_an_app_specific_password_is_understood_however_it_was_copied(typed: str) -> None:
    credential = AppleCredential.typed("jane.doe@icloud.com", typed)

    assert credential.app_password == "abcd-efgh-ijkl-mnop"


@pytest.mark.parametrize(
    "typed",
    ["", "hunter2", "abcd-efgh-ijkl-mno", "abcd-efgh-ijkl-mnopq", "abcd-efgh-ijkl-mno1", "пбвг-efgh-ijkl-mnop"],
)
def test_something_else_than_an_app_specific_password_is_refused_without_being_told(typed: str) -> None:
    with pytest.raises(CredentialMalformed) as refused:
        AppleCredential.typed("jane.doe@icloud.com", typed)

    assert refused.value.field == "app_password"
    assert not typed or typed not in "".join(traceback.format_exception(refused.value)[-1:])


def test_an_apple_id_is_freed_of_spaces_and_capitals() -> None:
    credential = AppleCredential.typed(" \u200bJane.Doe@iCloud.com\u00a0", "abcd-efgh-ijkl-mnop")

    assert credential.apple_id == "jane.doe@icloud.com"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "jane",
        "jane@",
        "@icloud.com",
        "jane@icloud",
        "ja ne@icloud.com",
        "jane:x@icloud.com",
        "jane@icloud.com\nX",
        "a" * 250 + "@icloud.com",
    ],
)
def test_something_else_than_an_apple_id_is_refused(typed: str) -> None:
    with pytest.raises(CredentialMalformed) as refused:
        AppleCredential.typed(typed, "abcd-efgh-ijkl-mnop")

    assert refused.value.field == "apple_id"


@given(st.text(), st.text())
def test_typing_anything_raises_nothing_but_the_declared_error(apple_id: str, app_password: str) -> None:
    try:
        credential = AppleCredential.typed(apple_id, app_password)
    except CredentialMalformed:
        return

    assert AppleCredential(credential.apple_id, credential.app_password) == credential


def test_only_final_shapes_make_a_credential() -> None:
    with pytest.raises(CredentialMalformed):
        AppleCredential("Jane@icloud.com", "abcd-efgh-ijkl-mnop")
    with pytest.raises(CredentialMalformed):
        AppleCredential("jane@icloud.com", "abcdefghijklmnop")


def test_basic_carries_both_as_rfc_7617_says() -> None:
    credential = AppleCredential(*CANARY)

    scheme, _, value = credential.basic().partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == ":".join(CANARY)


def test_no_text_form_shows_a_credential() -> None:
    credential = AppleCredential(*CANARY)
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s %r", (credential, [credential]), None)

    texts = [repr(credential), str(credential), f"{credential}", pprint.pformat({"c": credential}), record.getMessage()]

    assert not any(part in text for text in texts for part in ("canary", "cana-", "rdxx"))


def test_a_credential_is_not_pickled_copied_dumped_or_changed() -> None:
    credential = AppleCredential(*CANARY)

    attempts: list[Callable[..., object]] = [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        vars,
        dataclasses.asdict,
    ]
    for attempt in attempts:
        with pytest.raises(TypeError):
            attempt(credential)
    with pytest.raises(AttributeError):
        credential.apple_id = "x"  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        del credential._apple_id


def test_credentials_are_equal_by_value() -> None:
    assert AppleCredential(*CANARY) == AppleCredential(*CANARY)
    assert AppleCredential(*CANARY) != AppleCredential("jane.other@icloud.com", CANARY[1])
    assert len({AppleCredential(*CANARY), AppleCredential(*CANARY)}) == 1
    assert AppleCredential(*CANARY) != CANARY
