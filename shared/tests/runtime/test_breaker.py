from runtime.kafka.breaker import Breaker
from runtime.kafka.connection import backoff


def test_nineteen_dead_in_a_row_are_borne() -> None:
    breaker = Breaker()

    for _ in range(19):
        breaker.dead()
    breaker.done(1)
    for _ in range(19):
        breaker.dead()

    assert not breaker.open


def test_twenty_dead_in_a_row_open_it_for_good() -> None:
    breaker = Breaker()

    for _ in range(20):
        breaker.dead()
    breaker.done(5_000)

    assert breaker.open


def test_one_in_a_hundred_is_borne() -> None:
    breaker = Breaker()

    for _ in range(100):
        breaker.done(99)
        breaker.dead()

    assert not breaker.open


def test_more_than_one_in_a_hundred_of_the_last_thousand_opens_it() -> None:
    breaker = Breaker()
    breaker.done(1_000)

    for _ in range(11):
        breaker.done(50)
        breaker.dead()

    assert breaker.open


def test_waits_double_from_half_a_second_to_half_a_minute() -> None:
    waits = [backoff(attempt, draw=lambda: 0.0) for attempt in range(1, 10)]

    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_waits_are_spread_upwards() -> None:
    assert backoff(1, draw=lambda: 1.0) == 0.6
    assert backoff(10_000, draw=lambda: 1.0) == 36
