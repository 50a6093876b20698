"""An event that the user has declined does not block, whatever the invitation calls them."""

from dataclasses import replace

import pytest

from worker_examples import ics
from worker_fakes import HOME
from worker_stage import Stage

TUESDAY = "2027-03-02T10:00"
URN = "urn:uuid:6f1c3e1a-5a0b-4e0c-9f6a-2b8b6f0a0c11"


@pytest.mark.parametrize(
    ("attendee", "declined"),
    [
        ("mailto:Me@iCloud.com", True),
        ("/1/principal/", True),
        ("https://p42-caldav.icloud.com:443/1/principal", True),
        ("URN:UUID:6F1C3E1A-5A0B-4E0C-9F6A-2B8B6F0A0C11", True),
        ("/aBc/principal/", True),
        ("/2/principal/", False),
        ("urn:uuid:another", False),
    ],
)
async def test_the_user_is_known_by_each_of_their_names(attendee: str, declined: bool) -> None:  # noqa: FBT001 - a column
    stage = Stage()
    stage.icloud.home = replace(HOME, addresses=("me@icloud.com", URN, "/aBc/principal/"))
    home = stage.icloud.calendar("home")
    invited = ics("uid-a", TUESDAY).replace("SUMMARY:", f"ATTENDEE;PARTSTAT=DECLINED:{attendee}\r\nSUMMARY:")
    href = home.put("a", invited)
    await stage.follow(home)

    await stage.sync()

    event = stage.heard(href)
    assert event is not None
    assert [group.facts.declined for group in event.occurrences] == [declined]
