"""An account compiles to a document whose figures re-add, whatever the policy."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.engine.compile import compile_account, discounts, fingerprint
from app.billing.engine.explain import explain_entry
from app.billing.engine.facts import Document, Entry, ExtraLine, Names, Policy, RateRule, Tax
from app.billing.engine.rates import RateCard
from app.billing.engine.timeline import Timeline
from app.core.formats import NO_BREAK
from tests.unit.billing.facts import MARCH, VAT, compiled, entry, rule

TWELVE = [900, 1600, 4200, 8763, 3300, 600, 1300, 1837, 4217, 5400, 3283, 600]


def lines(document: Document) -> list[tuple[str, int, str | None, int]]:
    return [(line.text, line.seconds, line.rate, line.net_minor) for line in document.lines]


def test_two_people_on_one_ticket_are_one_line() -> None:
    document = compiled(
        [entry(1, 3000, staff_id=1), entry(2, 1200, staff_id=2)], rules=(rule(rate="120.00"),)
    ).document
    assert lines(document) == [("Ticket 1", 4200, "120", 14000)]
    assert (document.net_minor, document.tax_minor, document.gross_minor) == (14000, 2800, 16800)
    assert [each.amount_minor for each in document.lines[0].entries] == [10000, 4000]


@pytest.mark.parametrize(
    ("policy", "increment", "net"),
    [
        ("line-once", 0, 114750),
        ("entry-once", 0, 114753),
        ("entry-4dp", 0, 114750),
        ("hours-2dp", 0, 114751),
        ("line-once", 900, 126225),
    ],
)
def test_the_same_work_under_each_amount_policy(policy: str, increment: int, net: int) -> None:
    rounding = rule(rate="114.75", increment_seconds=increment, rounding="up")
    entries = [entry(number, seconds) for number, seconds in enumerate(TWELVE)]
    assert compiled(entries, rules=(rounding,), amounts=policy).document.net_minor == net


@pytest.mark.parametrize(
    ("grouping", "texts"),
    [
        ("ticket", ["#7 Printer", "Website", "Work"]),
        ("person", ["Ana", "Bo"]),
        ("work_type", ["Remote", "Other work"]),
        ("project", ["Website", "Work"]),
    ],
)
def test_grouping_says_what_a_line_is(grouping: str, texts: list[str]) -> None:
    entries = [
        entry(1, ticket_id=7, staff_id=1, work_type_id=3, project="Website"),
        entry(2, ticket_id=None, staff_id=2, project="Website"),
        entry(3, ticket_id=None, staff_id=2, project=""),
    ]
    names = Names(tickets={7: "#7 Printer"}, staff={1: "Ana", 2: "Bo"}, work_types={3: "Remote"})
    document = compile_account(
        entries,
        currency="EUR",
        card=RateCard([rule()], currency="EUR", parents={}),
        taxes=Timeline([date.min], [VAT]),
        tax_day=MARCH,
        policy=Policy(grouping=grouping),
        names=names,
    ).document
    assert [line.text for line in document.lines] == texts


def test_different_rates_are_different_lines_in_the_order_of_the_work() -> None:
    later = entry(1, work_date=date(2026, 3, 9), work_type_id=1)
    document = compiled(
        [later, entry(2)], rules=(rule(1), rule(2, rate="150", work_type_id=1))
    ).document
    assert [line.rate for line in document.lines] == ["100", "150"]


def test_a_tax_change_within_the_month_is_two_lines_and_two_totals() -> None:
    old, new = Tax("VAT", Decimal(19)), Tax("VAT", Decimal(16))
    change = date(2026, 3, 15)
    document = compile_account(
        [entry(1), entry(2, work_date=change)],
        currency="EUR",
        card=RateCard([rule()], currency="EUR", parents={}),
        taxes=Timeline([date.min, change], [old, new]),
        tax_day=MARCH,
    ).document
    assert [(total.tax.percent, total.tax_minor) for total in document.tax_totals] == [
        (Decimal(19), 1900),
        (Decimal(16), 1600),
    ]


def test_work_that_cannot_be_priced_is_left_out_by_reason() -> None:
    result = compiled(
        [entry(1), entry(2, work_type_id=5), entry(3, company_id=2)],
        rules=(rule(work_type_id=5), rule(2, currency="USD", company_id=2)),
    )
    assert result.left_out == {"no_rate": (1,), "currency_mismatch": (3,)}
    assert [line.entries[0].entry_id for line in result.document.lines] == [2]


def test_without_a_tax_nothing_is_billed_and_hand_lines_say_so() -> None:
    result = compiled([entry(1)], tax=None, extras=(ExtraLine("hand", "Travel", 500),))
    assert result.left_out == {"no_tax": (1,)}
    assert not result.document.lines


def test_nothing_billable_is_no_part_of_a_document() -> None:
    result = compiled([entry(1, billable_seconds=0)], rules=(rule(minimum_seconds=900),))
    assert not result.document.lines
    assert not result.left_out


def test_hand_and_fixed_lines_take_their_own_tax_or_the_accounts() -> None:
    reduced = Tax("Reduced", Decimal(10))
    document = compiled(
        [],
        extras=(
            ExtraLine("hand", "Travel", 5000),
            ExtraLine("fixed", "Licence", 3000, tax=reduced),
            ExtraLine("hand", "Goodwill", -1000),
        ),
    ).document
    assert [(line.kind, line.net_minor, line.tax_minor) for line in document.lines] == [
        ("hand", 5000, 1000),
        ("fixed", 3000, 300),
        ("hand", -1000, -200),
    ]


def test_a_discount_comes_off_before_tax_and_entries_know_their_share() -> None:
    document = compiled(
        [entry(1, ticket_id=1), entry(2, 1800, ticket_id=2)],
        extras=(ExtraLine("discount_percent", "Loyal", percent=Decimal(10)),),
    ).document
    assert [(line.amount_minor, line.discount_minor) for line in document.lines] == [
        (10000, 1000),
        (5000, 500),
    ]
    assert (document.discount_minor, document.tax_minor) == (1500, 2700)
    assert [line.entries[0].amount_minor for line in document.lines] == [9000, 4500]


def test_a_discount_never_takes_a_document_below_zero() -> None:
    document = compiled(
        [entry(1)], extras=(ExtraLine("discount_amount", "Voucher", 25000),)
    ).document
    assert (document.net_minor, document.discount_carried_minor) == (0, 15000)


def test_discounts_leave_negative_lines_alone() -> None:
    voucher = ExtraLine("discount_amount", "Voucher", 100)
    assert discounts([300, -50, 100], [voucher]) == ([75, 0, 25], [100], 0)


def test_cash_rounding_is_beside_the_gross() -> None:
    document = compiled(
        [],
        extras=(ExtraLine("hand", "Part", 1009),),
        tax=Tax("None", Decimal(0)),
        cash_step_minor=5,
    ).document
    assert (document.gross_minor, document.rounding_minor, document.payable_minor) == (
        1009,
        1,
        1010,
    )


def test_the_arithmetic_of_an_entry_in_words() -> None:
    billing_rule = rule(12, rate="120", minimum_seconds=900, increment_seconds=900, rounding="up")
    document = compiled(
        [entry(1, 2230, billable_seconds=2000)],
        rules=(billing_rule,),
        extras=(ExtraLine("discount_amount", "Voucher", 1000),),
    ).document
    line = document.lines[0]
    words = explain_entry(
        line.entries[0], line=line, policy=document.policy, rule=billing_rule, currency="EUR"
    )
    assert [said.replace(NO_BREAK, " ") for said in words] == [
        "Real time 0:37:10 h, of which 0:33:20 h are billable.",
        "An entry counts at least 0:15 h, rounded up to whole steps of 0:15 h: 0:45 h billed.",
        "By rate rule EUR 120.00 an hour; the line is rounded once and shared over its entries.",
        "0:45 h at EUR 120.00, less its share of the discount: EUR 80.00 of the line's EUR 80.00.",
        "The line was EUR 90.00 before a discount of EUR 10.00.",
        "VAT 20 % is on top.",
    ]


def test_plain_time_needs_fewer_words() -> None:
    nearest = rule(1, increment_seconds=60, rounding="nearest")
    document = compiled([entry(1)], rules=(nearest,), prices="inclusive").document
    line = document.lines[0]
    words = explain_entry(
        line.entries[0], line=line, policy=document.policy, rule=rule(1), currency="EUR"
    )
    assert words[0] == "Real time 1:00 h, all of it billable."
    assert len(words) == 4
    assert words[-1] == "VAT 20 % is taken out of the price."
    assert (
        "to the nearest 0:01 h"
        in explain_entry(
            line.entries[0], line=line, policy=document.policy, rule=nearest, currency="EUR"
        )[1]
    )


CURRENCIES = st.sampled_from(["JPY", "EUR", "KWD"])
RATES = st.decimals(0, 500, places=4, allow_nan=False)
TAXES = st.decimals(0, 30, places=2, allow_nan=False).map(lambda percent: Tax("VAT", percent))
WORK = st.lists(
    st.builds(
        lambda seconds, ticket, work_type, day: (seconds, ticket, work_type, day),
        st.integers(0, 40_000),
        st.integers(1, 3),
        st.integers(1, 3),
        st.integers(0, 30),
    ),
    max_size=25,
)
POLICIES = st.builds(
    Policy,
    amounts=st.sampled_from(["line-once", "entry-once", "entry-4dp", "hours-2dp"]),
    tax_scope=st.sampled_from(["category", "line"]),
    prices=st.sampled_from(["exclusive", "inclusive"]),
    cash_step_minor=st.sampled_from([0, 5, 10]),
    grouping=st.sampled_from(["ticket", "person", "work_type", "project"]),
)
EXTRAS = st.lists(
    st.builds(
        ExtraLine,
        st.sampled_from(["hand", "fixed", "discount_amount", "discount_percent"]),
        st.just("Extra"),
        amount_minor=st.integers(0, 10_000),
        percent=st.decimals(0, 100, places=1, allow_nan=False),
        tax=st.none() | TAXES,
    ),
    max_size=4,
)


def facts(work: list[tuple[int, int, int, int]]) -> list[Entry]:
    return [
        entry(
            number,
            seconds,
            ticket_id=ticket,
            work_type_id=work_type,
            work_date=date(2026, 3, 1) + timedelta(day),
        )
        for number, (seconds, ticket, work_type, day) in enumerate(work, start=1)
    ]


def three_rules(rate: Decimal, currency: str) -> tuple[RateRule, ...]:
    return (
        rule(1, str(rate), currency=currency),
        rule(2, str(rate + 1), currency=currency, work_type_id=2, increment_seconds=360),
    )


@given(WORK, RATES, CURRENCIES, TAXES, EXTRAS, POLICIES)
def test_every_figure_re_adds(
    work: list[tuple[int, int, int, int]],
    rate: Decimal,
    currency: str,
    tax: Tax,
    extras: list[ExtraLine],
    policy: Policy,
) -> None:
    entries = facts(work)
    names = {name: getattr(policy, name) for name in Policy.__slots__}
    document = compiled(
        entries,
        rules=three_rules(rate, currency),
        currency=currency,
        tax=tax,
        extras=tuple(extras),
        **names,
    ).document
    assert document.net_minor == sum(line.net_minor for line in document.lines)
    assert document.tax_minor == sum(total.tax_minor for total in document.tax_totals)
    assert document.tax_minor == sum(line.tax_minor for line in document.lines)
    assert document.net_minor == sum(total.taxable_minor for total in document.tax_totals)
    assert document.gross_minor == document.net_minor + document.tax_minor
    assert document.discount_minor == sum(line.discount_minor for line in document.lines)
    assert document.seconds == sum(line.seconds for line in document.lines)
    for line in document.lines:
        if line.entries:
            assert sum(each.amount_minor for each in line.entries) == line.net_minor
            assert sum(each.billed_seconds for each in line.entries) == line.seconds
        taken = line.amount_minor - line.discount_minor
        tax_in = line.tax_minor if policy.prices == "inclusive" else 0
        assert line.net_minor == taken - tax_in
    billed = [each.entry_id for line in document.lines for each in line.entries]
    assert sorted(billed) == [each.id for each in entries if each.billable_seconds]
    if policy.cash_step_minor:
        assert document.payable_minor % policy.cash_step_minor == 0
    assert min(document.net_minor, document.gross_minor) >= 0


@given(WORK, RATES, POLICIES, st.randoms())
def test_facts_in_any_order_give_the_same_document(
    work: list[tuple[int, int, int, int]], rate: Decimal, policy: Policy, random: object
) -> None:
    entries = facts(work)
    shuffled = list(entries)
    random.shuffle(shuffled)
    names = {name: getattr(policy, name) for name in Policy.__slots__}
    first = compiled(entries, rules=three_rules(rate, "EUR"), **names).document
    second = compiled(shuffled, rules=three_rules(rate, "EUR"), **names).document
    assert first == second
    assert fingerprint(first) == fingerprint(second)


@given(st.integers(1, 10**6), st.decimals(0, 100, places=2, allow_nan=False))
def test_an_inclusive_price_gives_exactly_that_gross(minor: int, percent: Decimal) -> None:
    document = compiled(
        [],
        extras=(ExtraLine("fixed", "Licence", minor),),
        tax=Tax("VAT", percent),
        prices="inclusive",
    ).document
    assert document.gross_minor == minor


@given(st.lists(st.integers(1, 9000), min_size=1, max_size=12), RATES)
def test_splitting_entries_changes_nothing_under_line_once(
    seconds: list[int], rate: Decimal
) -> None:
    split = [entry(number, part) for number, part in enumerate(seconds)]
    whole = [entry(1, sum(seconds))]
    rules = (rule(1, str(rate)),)
    one, many = compiled(whole, rules=rules), compiled(split, rules=rules)
    assert one.document.net_minor == many.document.net_minor
    apart = compiled(split, rules=rules, amounts="entry-once").document.net_minor
    assert 2 * abs(apart - one.document.net_minor) <= len(seconds) + 1


@pytest.mark.parametrize(
    "changed",
    [
        {"rules": (rule(rate="100.01"),)},
        {"tax": Tax("VAT", Decimal(21))},
        {"tax": Tax("TVA", Decimal(20))},
        {"amounts": "entry-once"},
        {"cash_step_minor": 5},
        {"extras": (ExtraLine("hand", "Travel", 0),)},
    ],
)
def test_any_change_changes_the_fingerprint(changed: dict[str, object]) -> None:
    before = fingerprint(compiled([entry(1)]).document)
    assert fingerprint(compiled([entry(1)]).document) == before
    assert fingerprint(compiled([entry(1)], **changed).document) != before


def test_an_equal_rule_in_place_of_another_changes_nothing() -> None:
    before = fingerprint(compiled([entry(1)], rules=(rule(1),)).document)
    assert fingerprint(compiled([entry(1)], rules=(rule(2),)).document) == before


def test_how_many_of_what_is_part_of_a_fingerprint_and_of_no_other_one() -> None:
    """A preview that was stored before lines had a quantity still holds, where none has one."""

    def of(**counted: str) -> str:
        added = ExtraLine("fixed", "Travel", 1234, **counted)
        return fingerprint(compiled([entry(1)], rules=(rule(1),), extras=(added,)).document)

    assert of() == "233e046f32a362a6f50b7ac9fc72bd5be6b61297b389b7add2e5d8124b3a22d1"
    found = [of(), of(quantity="2", price="6.17"), of(quantity="2", price="6.17", unit="km")]
    assert len(set(found)) == 3


def test_other_recorded_time_changes_the_fingerprint_too() -> None:
    before = fingerprint(compiled([entry(1)]).document)
    other = entry(1, recorded_seconds=4000, billable_seconds=3600)
    assert fingerprint(compiled([other]).document) != before
