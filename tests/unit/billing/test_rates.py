"""The rule that wins is the strongest that applies, and each loser knows why."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.engine.facts import RateRule
from app.billing.engine.rates import RateCard, explain_rate, in_force
from tests.unit.billing.facts import rule

DAY = date(2026, 3, 2)
PARENTS = {3: 2, 2: 1, 1: None, 9: None}


def winner(*rules: RateRule, company: int = 3, staff: int = 1, work_type: int | None = 1) -> int:
    card = RateCard(rules, currency="EUR", parents=PARENTS)
    found = card.find(company, staff, work_type, DAY)
    return found.id if found else 0


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ({}, {"company_id": 1}),
        ({"company_id": 1}, {"company_id": 2}),
        ({"company_id": 2}, {"company_id": 3}),
        ({"staff_id": 1, "work_type_id": 1}, {"company_id": 1}),
        ({"work_type_id": 1}, {"staff_id": 1}),
        ({}, {"work_type_id": 1}),
        ({"company_id": 3, "staff_id": 1}, {"priority": 1}),
    ],
)
def test_the_stronger_rule_wins_in_any_order(
    weaker: dict[str, int], stronger: dict[str, int]
) -> None:
    assert winner(rule(1, **weaker), rule(2, **stronger)) == 2
    assert winner(rule(1, **stronger), rule(2, **weaker)) == 1


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"company_id": 9},
        {"staff_id": 2},
        {"work_type_id": 2},
        {"currency": "USD"},
        {"valid_from": DAY + timedelta(1)},
        {"valid_to": DAY},
    ],
)
def test_a_rule_for_something_else_does_not_apply(elsewhere: dict[str, object]) -> None:
    assert winner(rule(1, **elsewhere)) == 0
    assert winner(rule(1, **elsewhere), rule(2)) == 2


def test_validity_is_half_open() -> None:
    old, new = rule(1, valid_to=DAY), rule(2, valid_from=DAY)
    assert winner(old, new) == 2
    card = RateCard([old, new], currency="EUR", parents={})
    before = card.find(3, 1, None, DAY - timedelta(1))
    assert before is not None
    assert before.id == 1


def test_work_without_a_type_takes_a_rule_for_any() -> None:
    assert winner(rule(1, work_type_id=1), rule(2), work_type=None) == 2


def test_a_loop_in_the_tree_ends() -> None:
    card = RateCard([rule(1, company_id=7)], currency="EUR", parents={5: 6, 6: 5})
    assert card.find(5, 1, None, DAY) is None


def test_another_currency_is_told_from_no_rate() -> None:
    card = RateCard([rule(1, currency="USD", company_id=2)], currency="EUR", parents=PARENTS)
    assert card.has_other_currency(3, 1, None, DAY)
    assert not card.has_other_currency(9, 1, None, DAY)


def explained(*rules: RateRule) -> dict[int, str]:
    result = explain_rate(
        rules,
        currency="EUR",
        parents=PARENTS,
        company_id=3,
        staff_id=1,
        work_type_id=1,
        day=DAY,
    )
    assert (result.won.id if result.won else None) == (rules[0].id if rules else None)
    return {lost.rule.id: lost.why for lost in result.lost}


def test_each_loser_says_why() -> None:
    assert explained(
        rule(1, company_id=3, staff_id=1, work_type_id=1, priority=2),
        rule(2, company_id=3, staff_id=1, work_type_id=1, priority=1),
        rule(3, company_id=9),
        rule(4, staff_id=5),
        rule(5, work_type_id=5),
        rule(6, valid_from=DAY + timedelta(1)),
        rule(7, valid_to=DAY),
        rule(8, currency="USD"),
    ) == {
        2: "Its priority 1 is below 2.",
        3: "It is for another company.",
        4: "It is for another person.",
        5: "It is for another work type.",
        6: "It begins only on 3 Mar 2026.",
        7: "It ended before 2 Mar 2026.",
        8: "It is in USD; the account is billed in EUR.",
    }


def test_the_less_specific_say_in_what() -> None:
    strongest = rule(1, company_id=3, staff_id=1, work_type_id=1)
    assert explained(
        strongest,
        rule(2, company_id=2, staff_id=1, work_type_id=1),
        rule(3, company_id=3, work_type_id=1),
        rule(4, company_id=3, staff_id=1),
        rule(5, company_id=3, staff_id=1, work_type_id=1),
    ) == {
        2: "The winner's company is nearer in the tree.",
        3: "The winner names the person.",
        4: "The winner names the work type.",
        5: "The winner says the same and was there first.",
    }


def test_without_a_winner_nobody_is_weaker() -> None:
    result = explain_rate(
        [rule(1, company_id=9)],
        currency="EUR",
        parents=PARENTS,
        company_id=3,
        staff_id=1,
        work_type_id=1,
        day=DAY,
    )
    assert result.won is None
    assert [lost.why for lost in result.lost] == ["It is for another company."]


DIMENSION = st.none() | st.integers(1, 3)
SOME_DAY = st.none() | st.integers(0, 6).map(lambda days: DAY + timedelta(days))
RULES = st.lists(
    st.builds(
        lambda company, staff, work, start, end, priority: rule(
            company_id=company,
            staff_id=staff,
            work_type_id=work,
            valid_from=start,
            valid_to=end,
            priority=priority,
        ),
        DIMENSION,
        DIMENSION,
        DIMENSION,
        SOME_DAY,
        SOME_DAY,
        st.integers(0, 1),
    ),
    max_size=12,
)


@given(RULES, st.integers(1, 3), st.integers(1, 3), DIMENSION, st.integers(0, 6))
def test_the_card_finds_what_a_plain_search_finds(
    rules: list[RateRule], company: int, staff: int, work_type: int | None, offset: int
) -> None:
    day = DAY + timedelta(offset)
    rules = [
        rule(
            number,
            **{
                name: getattr(each, name)
                for name in RateRule.__slots__
                if name not in {"id", "rate"}
            },
        )
        for number, each in enumerate(rules, start=1)
    ]
    chain = {3: [3, 2, 1], 2: [2, 1], 1: [1]}[company]

    def strength(each: RateRule) -> tuple[int, ...]:
        nearness = chain.index(each.company_id) if each.company_id else len(chain)
        return (
            each.priority,
            -nearness,
            each.staff_id is not None,
            each.work_type_id is not None,
            -each.id,
        )

    applying = [
        each
        for each in rules
        if (each.company_id is None or each.company_id in chain)
        and each.staff_id in {None, staff}
        and each.work_type_id in {None, work_type}
        and in_force(each, day)
    ]
    expected = max(applying, key=strength).id if applying else None
    card = RateCard(rules, currency="EUR", parents=PARENTS)
    found = card.find(company, staff, work_type, day)
    assert (found.id if found else None) == expected
