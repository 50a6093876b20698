from ipaddress import ip_address

import pytest

from icloud.addresses import AddressRefused, CheckedAddresses, is_global
from icloud.gate import Gate


@pytest.mark.parametrize(
    "address", ["17.253.144.10", "2620:149:a44::10", "64:ff9b::1101:101", "2002:1101:101::1", "::ffff:17.1.1.1"]
)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    assert is_global(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 -- nothing is bound
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_addresses_of_our_own_network_may_not(address: str) -> None:
    assert not is_global(ip_address(address))


async def test_a_listed_loopback_name_is_loopback_without_asking_anybody() -> None:
    resolver = CheckedAddresses(Gate(("localhost",)))

    found = await resolver.resolve("p42-caldav.localhost", 8080)

    assert {result["host"] for result in found} == {"127.0.0.1", "::1"}


async def test_a_trusted_name_that_leads_to_loopback_is_refused() -> None:
    resolver = CheckedAddresses(Gate(("icloud.com",)))

    with pytest.raises(AddressRefused):
        await resolver.resolve("localhost", 443)
