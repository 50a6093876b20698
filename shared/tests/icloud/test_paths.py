import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud import NotUnderstood, paths


@pytest.mark.parametrize(
    "href",
    [
        "/1/home/jane@example.com.ics",
        "/1/home/jane%40example.com.ics",
        "https://p42-caldav.icloud.com:443/1/home/jane%40example.com.ics",
        "//elsewhere.example/1/home/jane%40example.com.ics",
        "jane%40example.com.ics",
        "\n  /1/home/jane@example.com.ics ",
        "/1/work/../home/jane@example.com.ics",
    ],
)
def test_all_ways_to_write_an_href_are_one_path(href: str) -> None:
    assert paths.decoded(href, base="/1/home/") == "/1/home/jane@example.com.ics"


@pytest.mark.parametrize(
    "href", ["/1/a%2Fb.ics", "/1/%2e%2e/x", "/1/%FF.ics", "/1/a%00.ics", "/1/a%0Ab", "http://[bad", "/" + "a" * 3000]
)
def test_an_href_that_does_not_lead_back_to_one_place_is_refused(href: str) -> None:
    with pytest.raises(NotUnderstood, match="strange_href"):
        paths.decoded(href)


@given(st.text(max_size=60))
def test_what_was_decoded_is_encoded_to_the_same_path_again(href: str) -> None:
    try:
        path = paths.decoded(href)
    except NotUnderstood:
        return

    assert paths.decoded(paths.encoded(path)) == path
    assert paths.decoded(paths.fully_encoded(path)) == path


def test_a_collection_ends_with_a_slash() -> None:
    assert paths.of_collection("/1/home") == paths.of_collection("/1/home/") == "/1/home/"
