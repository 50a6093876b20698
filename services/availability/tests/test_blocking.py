from itertools import product

import pytest

from availability.domain.blocking import AllDayRule, Decision, Facts, Rule, decide

BLOCKS, OPEN = True, False
AS_MARKED, ALWAYS, NEVER = AllDayRule.AS_MARKED, AllDayRule.ALWAYS_BLOCK, AllDayRule.NEVER_BLOCK
EVERYTHING = Facts(cancelled=True, declined=True, transparent=True, tentative=True, own_appointment=True, all_day=True)


@pytest.mark.parametrize(
    ("facts", "all_day", "blocks", "rule"),
    [
        (Facts(), None, OPEN, Rule.NOT_A_CONFLICT_CALENDAR),
        (EVERYTHING, None, OPEN, Rule.NOT_A_CONFLICT_CALENDAR),
        (Facts(cancelled=True), AS_MARKED, OPEN, Rule.CANCELLED),
        (EVERYTHING, ALWAYS, OPEN, Rule.CANCELLED),
        (Facts(declined=True), AS_MARKED, OPEN, Rule.DECLINED),
        (Facts(declined=True, own_appointment=True, all_day=True), ALWAYS, OPEN, Rule.DECLINED),
        (Facts(own_appointment=True), AS_MARKED, OPEN, Rule.OWN_APPOINTMENT),
        (Facts(own_appointment=True, all_day=True), ALWAYS, OPEN, Rule.OWN_APPOINTMENT),
        (Facts(all_day=True, transparent=True), ALWAYS, BLOCKS, Rule.ALL_DAY_RULE),
        (Facts(all_day=True), ALWAYS, BLOCKS, Rule.ALL_DAY_RULE),
        (Facts(all_day=True), NEVER, OPEN, Rule.ALL_DAY_RULE),
        (Facts(all_day=True, transparent=True), NEVER, OPEN, Rule.ALL_DAY_RULE),
        (Facts(all_day=True), AS_MARKED, BLOCKS, Rule.BUSY),
        (Facts(all_day=True, transparent=True), AS_MARKED, OPEN, Rule.MARKED_FREE),
        (Facts(transparent=True), ALWAYS, OPEN, Rule.MARKED_FREE),
        (Facts(transparent=True, tentative=True), AS_MARKED, OPEN, Rule.MARKED_FREE),
        (Facts(), NEVER, BLOCKS, Rule.BUSY),
        (Facts(), AS_MARKED, BLOCKS, Rule.BUSY),
        (Facts(tentative=True), AS_MARKED, BLOCKS, Rule.BUSY),
    ],
)
def test_the_first_rule_that_applies_decides(
    facts: Facts,
    all_day: AllDayRule | None,
    blocks: bool,  # noqa: FBT001 - a column of the table
    rule: Rule,
) -> None:
    decision = decide(facts, all_day)

    assert decision == Decision(blocks=blocks, rule=rule)


def test_only_busy_and_the_all_day_rule_ever_block() -> None:
    every = (Facts(*marks) for marks in product((True, False), repeat=6))

    decisions = {decide(facts, rule) for facts in every for rule in (None, *AllDayRule)}

    assert {decision.rule for decision in decisions if decision.blocks} == {Rule.BUSY, Rule.ALL_DAY_RULE}
    assert {decision.rule for decision in decisions} == set(list(Rule)[:7])
