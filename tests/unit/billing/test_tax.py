"""Tax by category or by line, beside or within prices; and whose tax it is."""

from datetime import date
from decimal import Decimal

import pytest

from app.billing.engine.facts import Tax, TaxRule
from app.billing.engine.tax import assess, tax_timeline
from app.billing.engine.timeline import Timeline

NINETEEN = Tax("VAT", Decimal(19))


@pytest.mark.parametrize(("scope", "tax"), [("category", 1597), ("line", 1596)])
def test_inclusive_tax_by_scope(scope: str, tax: int) -> None:
    result = assess([(5000, (NINETEEN,))] * 2, scope=scope, prices="inclusive")
    assert (result.net_minor, result.tax_minor) == (10000 - tax, tax)
    assert sum(result.line_taxes) == tax


def test_two_taxes_within_one_price_are_taken_out_together() -> None:
    taxes = (Tax("A", Decimal(10)), Tax("B", Decimal(15)))
    result = assess([(12500, taxes)], scope="category", prices="inclusive")
    assert [(total.taxable_minor, total.tax_minor) for total in result.totals] == [
        (10000, 1000),
        (10000, 1500),
    ]


def test_two_taxes_on_one_line_are_each_rounded() -> None:
    taxes = (Tax("A", Decimal(10)), Tax("B", Decimal("17.5")))
    result = assess([(748, taxes)], scope="category", prices="exclusive")
    assert [total.tax_minor for total in result.totals] == [75, 131]
    assert result.line_taxes == (206,)


def test_equal_rates_of_different_categories_stay_apart() -> None:
    zero, exempt = Tax("Zero", Decimal(0), "Z"), Tax("Exempt", Decimal(0), "E")
    result = assess([(100, (zero,)), (200, (exempt,))], scope="category", prices="exclusive")
    assert [total.taxable_minor for total in result.totals] == [100, 200]


def test_a_company_inherits_the_tax_of_its_nearest_ancestor() -> None:
    own, parent, default = (Tax(name, Decimal(1)) for name in ("own", "parent", "default"))
    rules = [TaxRule(1, default), TaxRule(2, parent, company_id=1), TaxRule(3, own, company_id=5)]
    tree = {2: 1, 1: None, 5: 1, 9: None}
    today = date(2026, 3, 2)
    found = {who: tax_timeline(rules, who, tree).at(today) for who in (2, 5, 9)}
    assert found == {2: parent, 5: own, 9: default}


def test_a_tax_holds_until_the_next_begins() -> None:
    old, new = Tax("VAT", Decimal(19)), Tax("VAT", Decimal(16))
    rules = [TaxRule(1, old), TaxRule(2, new, valid_from=date(2026, 7, 1))]
    timeline = tax_timeline(rules, 1, {})
    assert timeline.at(date(2026, 6, 30)) == old
    assert timeline.at(date(2026, 7, 1)) == new
    assert tax_timeline([], 1, {}).at(date(2026, 7, 1)) is None


def test_a_timeline_keeps_only_changes() -> None:
    timeline = Timeline([date.min, date(2026, 1, 1)], ["same", "same"])
    assert timeline.values == ["same"]
