import pytest
from shared.tests.icloud.scripted import Opening, Script, Scripted, golden

from icloud import AppleCredential, CalendarNotEnabled, CredentialsRejected, Forbidden, Home, NotUnderstood, TryLater

PRINCIPAL, HOME = "/20451177/principal/", "/20451177/calendars/"
Pair = tuple[Script, Script]


async def test_at_apple_two_requests_lead_to_the_home_on_its_partition(
    apple: Pair, opened: Opening, credential: AppleCredential
) -> None:
    entry, partition = apple

    async with opened(f"{entry.origin}/") as icloud:
        home = await icloud.account(credential).discover()

    assert (home.principal, home.origin, home.path) == (PRINCIPAL, partition.origin, HOME)
    assert home.addresses[:2] == ("jane.doe@icloud.com", "jane@example.com")
    assert entry.paths() == ["PROPFIND /", f"PROPFIND {PRINCIPAL}"]
    assert not partition.asked
    assert "20451177" not in repr(home)


async def test_discovering_and_listing_prove_a_credential_with_three_requests(
    apple: Pair, opened: Opening, credential: AppleCredential
) -> None:
    entry, partition = apple

    async with opened(f"{entry.origin}/") as icloud:
        account = icloud.account(credential)
        await account.discover()
        calendars = await account.calendars()

    assert len(calendars) == 8
    assert len(entry.asked) + len(partition.asked) == 3
    assert {asked.headers["Authorization"] for asked in entry.asked + partition.asked} == {credential.basic()}


async def discover(opened: Opening, credential: AppleCredential, entry: str) -> Home:
    async with opened(entry) as icloud:
        return await icloud.account(credential).discover()


def with_home(entry: Script, origin: str) -> None:
    body = golden("home_set.xml").replace(b"https://p42-caldav.icloud.com:443", origin.encode())
    entry.on("PROPFIND", PRINCIPAL, Scripted(body=body))


@pytest.mark.parametrize("status", [404, 405, 400, 403, 501, 200])
async def test_where_the_entry_knows_nothing_the_well_known_url_is_asked(
    script: Script, opened: Opening, credential: AppleCredential, status: int
) -> None:
    script.on("PROPFIND", "/dav/", Scripted(status, body=b"<html>Sign in</html>"))
    script.on("PROPFIND", "/.well-known/caldav", Scripted(301, headers={"Location": "/caldav.php"}))
    script.on("PROPFIND", "/caldav.php", Scripted(body=golden("principal.xml")))
    with_home(script, script.origin)

    home = await discover(opened, credential, f"{script.origin}/dav/")

    assert home.path == HOME
    assert script.paths() == [
        "PROPFIND /dav/",
        "PROPFIND /.well-known/caldav",
        "PROPFIND /caldav.php",
        f"PROPFIND {PRINCIPAL}",
    ]


async def test_what_the_entry_said_is_told_when_the_well_known_url_says_nothing_either(
    script: Script, opened: Opening, credential: AppleCredential
) -> None:
    script.on("PROPFIND", "/", Scripted(403))

    with pytest.raises(Forbidden):
        await discover(opened, credential, f"{script.origin}/")


async def test_a_web_page_instead_of_an_answer_is_not_understood(
    script: Script, opened: Opening, credential: AppleCredential
) -> None:
    page = Scripted(200, body=b"<!doctype html><html>Sign in</html>", headers={"Content-Type": "text/html"})
    script.on("PROPFIND", "/", page)
    script.on("PROPFIND", "/.well-known/caldav", page)

    with pytest.raises(NotUnderstood, match="status_200"):
        await discover(opened, credential, f"{script.origin}/")


@pytest.mark.parametrize("path", ["/", "/.well-known/caldav", PRINCIPAL])
async def test_a_401_of_the_entry_host_rejects_the_credentials_at_once(
    script: Script, opened: Opening, credential: AppleCredential, path: str
) -> None:
    if path == PRINCIPAL:
        script.on("PROPFIND", "/", Scripted(body=golden("principal.xml")))
    challenges = {"WWW-Authenticate": 'X-MobileMe-AuthToken realm="MMCalDav", Basic realm="MMCalDav"'}
    script.on("PROPFIND", path, Scripted(401, headers=challenges))

    with pytest.raises(CredentialsRejected):
        await discover(opened, credential, f"{script.origin}/")

    assert script.paths().count(f"PROPFIND {path}") == 1


async def test_a_401_of_a_host_that_the_entry_redirects_to_rejects_them_too(
    script: Script, other_script: Script, opened: Opening, credential: AppleCredential
) -> None:
    script.on("PROPFIND", "/", Scripted(301, headers={"Location": f"{other_script.origin}/"}))
    other_script.on("PROPFIND", "/", Scripted(401))

    with pytest.raises(CredentialsRejected):
        await discover(opened, credential, f"{script.origin}/")


async def test_a_401_of_a_host_that_only_a_property_names_does_not(
    script: Script,
    other_script: Script,
    opened: Opening,
    credential: AppleCredential,
) -> None:
    elsewhere = f"{other_script.origin}{PRINCIPAL}".encode()
    script.on("PROPFIND", "/", Scripted(body=golden("principal.xml").replace(PRINCIPAL.encode(), elsewhere)))
    other_script.on("PROPFIND", PRINCIPAL, Scripted(401))

    with pytest.raises(TryLater, match="unexpected_401"):
        await discover(opened, credential, f"{script.origin}/")


async def test_a_principal_without_home_has_no_calendar_enabled(
    script: Script, opened: Opening, credential: AppleCredential
) -> None:
    script.on("PROPFIND", "/", Scripted(body=golden("principal.xml")))
    nothing = b'<multistatus xmlns="DAV:"><response><href>/x/</href></response></multistatus>'
    script.on("PROPFIND", PRINCIPAL, Scripted(body=nothing))

    with pytest.raises(CalendarNotEnabled):
        await discover(opened, credential, f"{script.origin}/")


async def test_a_home_that_does_not_exist_has_no_calendar_enabled(
    apple: Pair, opened: Opening, credential: AppleCredential
) -> None:
    entry, partition = apple
    partition.on("PROPFIND", HOME, Scripted(404))

    async with opened(f"{entry.origin}/") as icloud:
        account = icloud.account(credential)
        await account.discover()
        with pytest.raises(CalendarNotEnabled):
            await account.calendars()


async def test_a_throttled_entry_is_later_as_it_asked(
    script: Script, opened: Opening, credential: AppleCredential
) -> None:
    script.on("PROPFIND", "/", Scripted(503, headers={"Retry-After": "300"}))

    with pytest.raises(TryLater) as error:
        await discover(opened, credential, f"{script.origin}/")

    assert error.value.after is not None
    assert error.value.after.total_seconds() == 300
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    "home",
    ["https://evil.example/1/", "http://127.0.0.2:1/1/", "https://caldav.icloud.com@evil.example/", "http://10.0.0.1/"],
)
async def test_a_home_on_an_untrusted_host_is_refused(
    script: Script, opened: Opening, credential: AppleCredential, home: str
) -> None:
    script.on("PROPFIND", "/", Scripted(body=golden("principal.xml")))
    body = golden("home_set.xml").replace(b"https://p42-caldav.icloud.com:443/20451177/calendars/", home.encode())
    script.on("PROPFIND", PRINCIPAL, Scripted(body=body))

    with pytest.raises(NotUnderstood, match="url_refused"):
        await discover(opened, credential, f"{script.origin}/")


async def test_a_principal_with_an_address_in_it_is_asked_as_the_server_wrote_it(
    script: Script, opened: Opening, credential: AppleCredential
) -> None:
    script.on(
        "PROPFIND", "/", Scripted(body=golden("principal.xml").replace(PRINCIPAL.encode(), b"/jane%40icloud.com/"))
    )
    body = golden("home_set.xml").replace(
        b"https://p42-caldav.icloud.com:443/20451177/calendars/", b"/jane%40icloud.com"
    )
    script.on("PROPFIND", "/jane%40icloud.com/", Scripted(body=body))

    home = await discover(opened, credential, f"{script.origin}/")

    assert (home.principal, home.path, home.origin) == ("/jane@icloud.com/", "/jane@icloud.com/", script.origin)
