"""Rates and taxes are set by several people at once, and ahead of time."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.billing.commands.rates import RateTerms, set_rate, set_tax
from app.billing.models import RateRule, Tax
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests import factories
from tests.billing.desk import CLERK, TODAY
from tests.processes import FORKING, application, ended, started


@pytest.fixture
def world(database_url, short_dir):
    """An application over a database that other processes use as well."""
    with application(database_url, short_dir):
        yield


def set_elsewhere(url: str, folder: Path, together) -> None:
    with application(url, folder):
        together.wait(60)
        for number in range(15):
            with unit_of_work():
                set_tax(CLERK, name="VAT", percent=Decimal(number), start=date(2026, 1, 1))
                set_rate(CLERK, RateTerms(Decimal(100 + number), "EUR"))


def test_three_who_set_the_same_rate_and_tax_at_once_take_turns(world, database_url, short_dir):
    together = FORKING.Barrier(3)
    people = [started(set_elsewhere, database_url, short_dir, together) for _ in range(3)]
    assert [ended(each) for each in people] == [0, 0, 0]
    made = select(func.count()).select_from(RateRule)
    assert db.session.scalar(made) == 45
    assert db.session.scalar(made.where(RateRule.retired_at.is_(None))) == 1


def spans() -> list[tuple[Decimal, date | None, date | None]]:
    """The default tax: per cent, first day, first day after."""
    rows = db.session.scalars(
        select(Tax)
        .where(Tax.retired_at.is_(None), Tax.company_id.is_(None))
        .order_by(func.lower(Tax.valid).asc().nulls_first())
    )
    return [(row.percent, row.valid.lower, row.valid.upper) for row in rows]


def vat(percent: int, start: date | None = None) -> Tax:
    with clock.frozen(TODAY), unit_of_work():
        return set_tax(CLERK, name="VAT", percent=Decimal(percent), start=start)


def test_a_tax_leaves_those_that_begin_later_alone(app):
    spring, summer, winter = date(2026, 3, 1), date(2026, 7, 1), date(2027, 1, 1)
    vat(19)
    vat(16, summer)
    vat(21, winter)
    assert spans() == [(19, None, summer), (16, summer, winter), (21, winter, None)]
    made = vat(20, spring)
    assert made.valid.upper == summer
    assert spans()[:2] == [(19, None, spring), (20, spring, summer)]
    vat(17, summer)
    assert spans()[2:] == [(17, summer, winter), (21, winter, None)], "the same day is replaced"
    vat(7)
    assert spans() == [(7, None, summer), (17, summer, winter), (21, winter, None)], (
        "without a day: what holds today and before is replaced, what is planned stays"
    )


def test_a_company_s_tax_does_not_touch_the_default(app):
    with unit_of_work():
        own = factories.company().id
    vat(19)
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="None", percent=Decimal(0), company_id=own)
    assert spans() == [(19, None, None)]


def test_a_priority_beyond_all_measure_is_refused(app):
    with pytest.raises(RuleError, match="priority 1000000000000 is beyond"), unit_of_work():
        set_rate(CLERK, RateTerms(Decimal(1), "EUR", priority=10**12))


def test_a_rule_says_what_it_rounds(cli):
    args = ("--rate", "100", "--minimum", "600", "--increment", "900")
    rule = cli("rates", "set", *args, "--unit", "ticket-day")["rate_rule"]
    assert db.session.get(RateRule, rule).unit == "ticket-day"
    assert cli("rates", "set", *args, "--unit", "visit", code=2)["problems"]


def test_a_tax_that_takes_all_of_a_price_is_refused(app):
    with unit_of_work():
        factories.set_up_agency()
    with pytest.raises(RuleError, match="is no tax"), unit_of_work():
        set_tax(CLERK, name="None left", percent=Decimal(-100))
