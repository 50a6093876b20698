from sync_worker.domain.breaker import State, Verdict
from sync_worker.domain.hosts import Hosts

GOOD, BAD = Verdict.GOOD, Verdict.BAD
HOST, OTHER = "https://p42-caldav.icloud.com:443", "https://p43-caldav.icloud.com:443"


def fail(hosts: Hosts, origin: str, at: float, count: int = 10) -> None:
    for n in range(count):
        hosts.enter(origin, at, entry=False)
        hosts.heard(origin, BAD, f"account-{n}", began=at, now=at)


def heal(hosts: Hosts, origin: str, at: float) -> None:
    assert hosts.enter(origin, at, entry=False) is None
    assert hosts.heard(origin, GOOD, "account-1", began=at, now=at) == (State.PROBING, State.CLOSED)


def test_one_host_that_fails_leaves_the_others_alone() -> None:
    hosts = Hosts(50, lambda: 0.0)

    fail(hosts, HOST, 0.0)

    assert hosts.refusal(HOST, 1.0) is not None
    assert hosts.refusal(OTHER, 1.0) is None
    assert hosts.turn(OTHER, 1.0, 30) == 0.0
    assert (hosts.left_alone(1.0, entry=False), hosts.left_alone(1.0, entry=True)) == (1, 0)


def test_hosts_that_come_back_together_share_one_slow_start() -> None:
    hosts = Hosts(50, lambda: 0.0)
    for origin in (HOST, OTHER):
        fail(hosts, origin, 0.0)
        heal(hosts, origin, 30.0)

    turns = [hosts.turn(origin, 31.0, 30) for origin in (HOST, OTHER) * 5]

    assert turns == sorted(turns, key=lambda turn: turn or 0)
    assert 9 / 50 / 0.12 < (turns[-1] or 0) < 9 / 50 / 0.1


def test_a_slow_start_comes_to_its_end() -> None:
    hosts = Hosts(50, lambda: 0.0)
    fail(hosts, HOST, 0.0)
    heal(hosts, HOST, 30.0)

    assert {hosts.turn(HOST, 65.0, 30) for _ in range(200)} == {0.0}


def test_a_host_that_stays_away_is_deserted_by_some_unless_the_entry_is_down_too() -> None:
    chances = iter([0.0, 0.1, 0.9, *[0.0] * 50])
    hosts = Hosts(50, lambda: next(chances))
    fail(hosts, HOST, 0.0)

    told = [hosts.deserted(HOST, at) for at in (1.0, 299.0, 301.0, 302.0)]
    for n in range(10):
        hosts.enter(OTHER, 303.0, entry=True)
        hosts.heard(OTHER, BAD, f"account-{n}", began=303.0, now=303.0)

    assert told == [False, False, True, False]
    assert not hosts.deserted(HOST, 304.0)
    assert not hosts.deserted("https://p1.icloud.com:443", 304.0)


def test_a_host_that_nobody_asks_for_an_hour_is_forgotten_and_one_that_is_asked_is_not() -> None:
    hosts = Hosts(50, lambda: 0.0)
    for origin in (HOST, OTHER):
        fail(hosts, origin, 0.0)
    for minute in range(60):
        hosts.refusal(OTHER, 60.0 * minute)

    told = [hosts.left_alone(at, entry=False) for at in (1.0, 3_599.0, 3_600.0)]

    assert told == [2, 2, 1]
    assert hosts.refusal(HOST, 3_600.0) is None
    assert (hosts.enter(HOST, 3_600.0, entry=False), hosts.enter(HOST, 3_600.0, entry=False)) == (None, None)


def test_an_entry_host_that_nobody_asks_any_more_does_not_keep_people_at_a_host_that_is_gone() -> None:
    hosts = Hosts(50, lambda: 0.0)
    for n in range(10):
        hosts.enter(OTHER, 0.0, entry=True)
        hosts.heard(OTHER, BAD, f"account-{n}", began=0.0, now=0.0)
    fail(hosts, HOST, 3_000.0)

    assert [hosts.deserted(HOST, at) for at in (3_599.0, 3_600.0)] == [False, True]


def test_hosts_without_number_are_not_remembered_without_end() -> None:
    hosts = Hosts(50, lambda: 0.0)
    fail(hosts, HOST, 0.0)

    for n in range(3_000):
        hosts.enter(f"https://p{n}.icloud.com:443", 1.0, entry=False)

    assert len(hosts._hosts) <= 1_000
    assert hosts.refusal(HOST, 2.0) is not None
