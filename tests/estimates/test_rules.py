"""The states of an estimate, how versions differ, what is billed, and how much is used."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.estimates import rules
from app.estimates.rules import Burn, Line

DEEDS = ("send", "approve", "decline", "expire", "withdraw", "supersede")
ENDS = ("approved", "superseded")
texts = st.sampled_from(["Design", "Build", "Hosting"])
lines = st.builds(
    Line,
    key=st.integers(1, 6),
    kind=st.sampled_from(["time", "fixed"]),
    text=texts,
    minor=st.integers(-500, 500).filter(bool),
    seconds=st.integers(0, 3),
)


def distinct(found: list[Line]) -> list[Line]:
    return list({line.key: line for line in found}.values())


versions = st.lists(lines, max_size=6).map(distinct)


@given(st.lists(st.sampled_from(DEEDS), max_size=8))
def test_of_any_deeds_only_those_count_that_there_are_and_an_approval_stays(deeds):
    state, seen = rules.DRAFT, [rules.DRAFT]
    for deed in deeds:
        try:
            state = rules.after(1, state, deed)
        except RuleError:
            assert deed not in rules.NEXT[state]
            continue
        assert seen[-1] not in ENDS
        assert state not in seen, "no state comes twice"
        seen.append(state)
    assert seen[1:2] in ([], ["sent"]), "nothing is decided that was not sent"


@given(versions, versions)
def test_the_difference_turns_one_version_into_the_other(old, new):
    changes = rules.difference(old, new)
    assert [change.new for change in changes if change.new] == new
    assert sorted(c.old.key for c in changes if c.old) == sorted(line.key for line in old)
    for what, before, after in changes:
        expected = {
            "added": before is None,
            "removed": after is None,
            "same": before == after,
            "changed": None not in (before, after) and before != after,
        }
        assert [name for name, holds in expected.items() if holds] == [what]


@given(versions)
def test_a_version_does_not_differ_from_itself(found):
    assert {change.what for change in rules.difference(found, found)} <= {"same"}


@given(st.lists(versions, min_size=1, max_size=5), st.data())
def test_after_any_approvals_the_fixed_lines_are_billed_as_last_approved(approved, data):
    """Between approvals some of what waits is invoiced, some is not."""
    billed: dict[int, tuple[str, int]] = {}
    waiting: list[rules.Charge] = []
    for found in approved:
        for charge in waiting:
            if data.draw(st.booleans()):
                _, before = billed.get(charge.key, ("", 0))
                billed[charge.key] = charge.text, before + charge.minor
        waiting = rules.charges(found, billed)
        assert all(charge.minor for charge in waiting)
    total = sum(minor for _, minor in billed.values()) + sum(each.minor for each in waiting)
    assert total == sum(line.minor for line in approved[-1] if line.kind == "fixed")


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**9), st.integers(0, 10**9))
def test_levels_are_reached_exactly_at_their_share_of_hours_or_of_money(used, hours, paid, money):
    burn = Burn(used, hours, paid, money)
    for level in rules.LEVELS:
        is_reached = (hours > 0 and used * 100 >= level * hours) or (
            money > 0 and paid * 100 >= level * money
        )
        assert (burn.level >= level) == is_reached


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_work_never_lowers_the_level(used, more):
    before, after = (Burn(each, 36_000, 0, 0).level for each in (used, used + more))
    assert before <= after


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (Line(1, "time", "", 0, 60), "what it is for"),
        (Line(1, "time", "x", 0, 0), "hours above zero"),
        (Line(1, "time", "x", 0, rules.MOST_SECONDS + 1), "at most 10,000"),
        (Line(1, "fixed", "x", 0), "not zero"),
        (Line(1, "fixed", "x" * 301, 1), "too long"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_its_number(line, words):
    today = date(2026, 3, 1)
    good = Line(1, "fixed", "Logo", 100)
    [said] = rules.draft_problems([good, line], note="", valid_until=today, today=today)
    assert said.startswith("Line 2: ")
    assert words in said


def test_everything_that_is_wrong_is_told_at_once():
    today = date(2026, 3, 1)
    said = rules.draft_problems([], note="x" * 5000, valid_until=date(2026, 2, 1), today=today)
    assert len(said) == 3
