from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.availability.tests.examples import CONNECTION, HOME, NOW, TODAY, WORK, span

from availability.domain.blocking import AllDayRule, Facts, Rule
from availability.domain.busy import Entry, EntryKind, Known, KnownEvent, KnownOccurrences, busy
from availability.domain.changes import Version, WhenStale
from availability.domain.doubts import Held, Quarantined, UnreadableEvent
from availability.domain.freshness import Ageing, Connection
from availability.domain.intervals import Span, Window, clipped, merged
from availability.domain.why import Kind, Reason, why

AGEING = Ageing(NOW, timedelta(minutes=30))
DAY = Window(*span(0, 24))
PASS = Version(1, 1000)
NINE = span(9, 10)

minutes = st.integers(0, 48 * 60)
spans = st.tuples(minutes, st.integers(0, 300)).map(lambda p: (TODAY + 60 * p[0], TODAY + 60 * sum(p)))
calendars = st.sampled_from([HOME, WORK, "other"])
facts = st.builds(Facts, *[st.booleans()] * 6)
events = st.builds(KnownEvent, st.sampled_from(["one", "two", "three"]))
occurrences = st.lists(
    st.builds(KnownOccurrences, calendars, facts, st.lists(spans, max_size=4), events | st.none()), max_size=6
)
entries = st.lists(st.builds(Entry, st.sampled_from(EntryKind), st.sampled_from(["a", "b"]), spans), max_size=4)
ages = st.sampled_from([None, NOW - timedelta(minutes=5), NOW - timedelta(hours=2)])
connections = st.lists(
    st.builds(
        Connection,
        id=st.just(CONNECTION),
        epoch=st.just(1),
        calendars=st.lists(st.tuples(st.sampled_from([HOME, WORK]), st.sampled_from(AllDayRule)), max_size=2).map(
            tuple
        ),
        completed=st.sampled_from([None, PASS]),
        as_of=ages,
        behind=st.lists(st.tuples(st.just(WORK), ages), max_size=1).map(tuple),
        rejected=st.sampled_from([None, Version(1, 2000)]),
        setup_read=st.sampled_from([None, 0]),
        when_stale=st.sampled_from(WhenStale),
    ),
    max_size=2,
)
unreadable = st.builds(UnreadableEvent, st.sampled_from(["one", "four"]), st.just("truncated"), st.none() | spans)
doubts = st.lists(
    st.builds(Held, st.just(CONNECTION), calendars, st.just(PASS), ages, st.just(20), st.just(15))
    | st.builds(Quarantined, st.just(CONNECTION), calendars, st.just(PASS), st.lists(unreadable).map(tuple)),
    max_size=3,
)
everything = st.builds(Known, connections.map(tuple), occurrences.map(tuple), entries.map(tuple), doubts.map(tuple))
windows = st.tuples(minutes, st.integers(1, 600)).map(lambda p: Window(TODAY + 60 * p[0], TODAY + 60 * sum(p)))


def home(when_stale: WhenStale = WhenStale.KEEP, age: datetime = NOW, *, titles: bool = False) -> Connection:
    rules = ((HOME, AllDayRule.AS_MARKED),)
    return Connection(CONNECTION, 1, rules, PASS, age, when_stale=when_stale, titles=titles)


def event(*several: Span, calendar: str = HOME, title: str | None = None, **marks: bool) -> KnownOccurrences:
    return KnownOccurrences(calendar, Facts(**marks), several or (NINE,), KnownEvent("event-1", title))


@given(everything, windows)
def test_what_blocks_is_exactly_what_is_busy(known: Known, window: Window) -> None:
    found = why(known, window, AGEING)

    blocking = [reason.span for reason in found.blocking if reason.span]
    assert len(blocking) == len(found.blocking)
    assert merged(clipped(blocking, window)) == busy(known, window, AGEING).spans
    assert found.freshness == busy(known, window, AGEING).freshness


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (event(calendar=WORK), Rule.NOT_A_CONFLICT_CALENDAR),
        (event(cancelled=True), Rule.CANCELLED),
        (event(declined=True), Rule.DECLINED),
        (event(own_appointment=True), Rule.OWN_APPOINTMENT),
        (event(transparent=True), Rule.MARKED_FREE),
        (event((NINE[0], NINE[0])), Rule.TAKES_NO_TIME),
    ],
)
def test_what_is_ignored_says_by_which_rule(one: KnownOccurrences, rule: Rule) -> None:
    found = why(Known((home(),), (one,)), DAY, AGEING)

    assert found.blocking == ()
    assert found.ignored == (Reason(Kind.EVENT, rule, one.spans[0], one.calendar_id, "event-1"),)


def test_what_touches_the_time_only_at_its_edge_is_left_out_and_what_reaches_over_it_is_whole() -> None:
    known = Known((home(),), (event(span(8, 9), span(9, 12), span(12, 13), (span(9, 9)[0], span(9, 9)[0])),))

    found = why(known, Window(*span(9, 12)), AGEING)
    inside = why(known, Window(*span(10, 11)), AGEING)

    assert [reason.span for reason in found.blocking] == [span(9, 12)]
    assert [reason.rule for reason in found.ignored] == [Rule.TAKES_NO_TIME]
    assert ([reason.span for reason in inside.blocking], inside.ignored) == ([span(9, 12)], ())


def test_what_was_entered_here_blocks_whatever_the_calendars_say() -> None:
    known = Known(entries=(Entry(EntryKind.BLOCKED_SLOT, "b", span(10, 11)), Entry(EntryKind.APPOINTMENT, "a", NINE)))

    found = why(known, DAY, AGEING)

    assert found.blocking == (
        Reason(Kind.APPOINTMENT, Rule.APPOINTMENT, NINE, id="a"),
        Reason(Kind.BLOCKED_SLOT, Rule.BLOCKED_SLOT, span(10, 11), id="b"),
    )


def test_a_title_shows_to_whom_it_is_meant_for_and_while_titles_may_leave() -> None:
    titled = (event(title="Dentist"),)

    shown = why(Known((home(titles=True),), titled), DAY, AGEING, titles=True)
    others = [
        why(Known((home(titles=True),), titled), DAY, AGEING),
        why(Known((home(),), titled), DAY, AGEING, titles=True),
    ]

    assert [reason.title for reason in shown.blocking] == ["Dentist"]
    assert [reason.title for found in others for reason in found.blocking] == [None, None]


def test_what_cannot_be_read_is_shown_and_blocks_where_its_time_is_known() -> None:
    doubt = Quarantined(
        CONNECTION,
        HOME,
        PASS,
        (
            UnreadableEvent("event-1", "rule_malformed", NINE),
            UnreadableEvent("event-2", "truncated", span(11, 12)),
            UnreadableEvent("event-3", "too_large"),
            UnreadableEvent("event-4", "too_large", span(9, 10, day=3)),
        ),
    )

    found = why(Known((home(),), (event(),), doubts=(doubt,)), DAY, AGEING)

    assert found.blocking == (Reason(Kind.QUARANTINED, Rule.UNREADABLE, NINE, HOME, "event-1", why="rule_malformed"),)
    assert [(reason.id, reason.span, reason.rule) for reason in found.ignored] == [
        ("event-2", span(11, 12), Rule.UNREADABLE),
        ("event-3", None, Rule.UNREADABLE),
    ]


def test_held_removals_show_until_they_are_settled() -> None:
    doubt = Held(CONNECTION, HOME, PASS, NOW, known=20, missing=15, why="shrunken")
    settled = Held(CONNECTION, HOME, PASS, None, known=20, missing=15, why="shrunken")

    found = why(Known((home(),), doubts=(doubt,)), DAY, AGEING)
    after = why(Known((home(),), doubts=(settled,)), DAY, AGEING)

    assert found.ignored == (Reason(Kind.HELD, Rule.REMOVALS_HELD, span(0, 24), HOME, why="shrunken"),)
    assert (found.blocking, after.ignored) == ((), ())


@pytest.mark.parametrize("when_stale", [WhenStale.KEEP, WhenStale.WARN])
def test_a_stale_calendar_shows_and_what_was_known_goes_on_to_count(when_stale: WhenStale) -> None:
    known = Known((home(when_stale, NOW - timedelta(hours=1)),), (event(),))

    found = why(known, DAY, AGEING)

    assert [(reason.kind, reason.span) for reason in found.blocking] == [(Kind.EVENT, NINE)]
    assert found.ignored == (Reason(Kind.STALE, Rule.KEPT_WHILE_STALE, span(0, 24), HOME, why="stale"),)


def test_where_stale_closes_the_whole_time_is_busy_and_says_so() -> None:
    known = Known((home(WhenStale.CLOSE, NOW - timedelta(hours=1)),), (event(),))

    found = why(known, DAY, AGEING)

    assert busy(known, DAY, AGEING).spans == (span(0, 24),)
    assert [(reason.kind, reason.rule) for reason in found.blocking] == [
        (Kind.STALE, Rule.CLOSED_WHILE_STALE),
        (Kind.EVENT, Rule.BUSY),
    ]
