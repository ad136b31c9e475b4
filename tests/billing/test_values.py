"""What unbilled time is worth follows its rates, its payer, and what is billed or taken back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from app.billing.agency import Particulars, change_agency
from app.billing.commands import entries
from app.billing.commands.compile import dry_run
from app.billing.commands.credit import void_invoice
from app.billing.commands.rates import RateTerms, copy_rates, retire_rate, set_rate
from app.billing.models import Document, EntryValue, RateRule
from app.billing.queries_dashboards import unbilled_by_company
from app.companies.commands import archive_company, change_company, restore_company
from app.companies.scope import Scope
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.desk.ticket_facts import rail_and_choices
from app.timelog.models import TimeEntry
from jobs import load_handlers
from tests import factories
from tests.billing.desk import CLERK, TODAY, compiled, issued


def worth() -> dict[int, tuple[int | None, str]]:
    """Carry out what is due, then the value of each entry."""
    load_handlers()
    jobs.run_due(kinds=("billing.value", "billing.revalue"))
    rows = select(EntryValue.entry_id, EntryValue.amount_minor, EntryValue.currency)
    return {entry: (amount, currency) for entry, amount, currency in db.session.execute(rows)}


def test_a_rate_prices_the_time_that_was_logged_before_it(app):
    with unit_of_work():
        ana = factories.staff("Ana")
        fjord, nord = factories.company("Fjord"), factories.company("Nord")
        floor = factories.company("Floor", kind="department", parent_id=fjord.id)
        one, two, three = (factories.entry(each, by=ana).id for each in (fjord, nord, floor))
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR"))
    assert worth() == dict.fromkeys((one, two, three), (10000, "EUR"))
    with unit_of_work():
        dear = set_rate(CLERK, RateTerms(rate=Decimal(150), currency="EUR", company_id=fjord.id))
    assert worth() == {one: (15000, "EUR"), two: (10000, "EUR"), three: (15000, "EUR")}
    with unit_of_work():
        retire_rate(CLERK, dear.id)
    assert worth() == dict.fromkeys((one, two, three), (10000, "EUR"))
    with unit_of_work():
        copy_rates(CLERK, start=date(2026, 3, 1), percent=Decimal(10))
    assert worth() == dict.fromkeys((one, two, three), (11000, "EUR"))


def test_a_company_in_another_currency_is_valued_in_it(app):
    with unit_of_work():
        factories.rate("100")
        factories.rate("120", currency="USD")
        fjord = factories.company("Fjord")
        entry = factories.entry(fjord, by=factories.staff("Ana")).id
    with unit_of_work():
        change_company(CLERK, fjord, {"currency": "USD"})
    assert worth() == {entry: (12000, "USD")}


def test_time_that_is_billable_again_is_worth_what_it_costs_now(app):
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR"))
        fjord, ana = factories.company("Fjord"), factories.staff("Ana")
        billed, lost = (factories.entry(fjord, by=ana).id for _ in range(2))
        entries.write_off(CLERK, [lost], reason="Goodwill")
    assert worth() == {billed: (10000, "EUR")}
    issued(compiled(), mail=False)
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(130), currency="EUR"))
    assert worth() == {billed: (10000, "EUR")}, "what is billed keeps its value"
    number = db.session.scalars(select(Document.number)).one()
    with clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, number, reason="Wrong", mail=False)
        entries.undo_write_off(CLERK, [lost])
    assert worth() == {billed: (13000, "EUR"), lost: (13000, "EUR")}


def test_a_rate_of_a_department_is_in_the_currency_of_who_pays(cli):
    with unit_of_work():
        fjord = factories.company("Fjord", currency="USD")
        factories.company("Floor", kind="department", parent_id=fjord.id)
    rule = cli("rates", "set", "--rate", "120", "--company", "Floor")["rate_rule"]
    assert db.session.get(RateRule, rule).currency == "USD"


def test_a_ticket_shows_no_value_as_unbilled_once_it_is_billed(app):
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR"))
        fjord = factories.company("Fjord")
        ticket = factories.ticket(fjord)
        factories.entry(fjord, by=factories.staff("Ana"), ticket_id=ticket.id)
    worth()
    assert rail_and_choices(ticket)[0].unbilled == [("EUR", 10000)]
    issued(compiled(), mail=False)
    assert rail_and_choices(ticket)[0].unbilled == []


def payer_of() -> dict[int, int | None]:
    worth()
    return dict(db.session.execute(select(EntryValue.entry_id, EntryValue.payer_id)).all())


def test_nobody_pays_for_unbilled_time_once_its_payer_is_archived(app):
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR"))
        house, aside = factories.company("House"), factories.company("Aside")
        floor = factories.company("Floor", kind="department", parent_id=house.id)
        factories.bill_to(aside, house)
        ana = factories.staff("Ana")
        entries_ = [factories.entry(each, by=ana).id for each in (house, floor, aside)]
    with unit_of_work():
        change_company(CLERK, house, {"zone": "Europe/Paris"})
    assert payer_of() == dict.fromkeys(entries_, house.id)
    with unit_of_work():
        archive_company(CLERK, house)
    assert payer_of() == dict.fromkeys(entries_)
    with clock.frozen(TODAY):
        previews, plan, _ = dry_run(through=date(2026, 3, 31))
    assert previews == []
    assert plan.unpaid == {house.id: 1, floor.id: 1, aside.id: 1}
    with unit_of_work():
        restore_company(CLERK, house)
    assert payer_of() == dict.fromkeys(entries_, house.id)


def test_a_payer_that_moves_to_another_zone_has_its_time_priced_by_its_new_days(app):
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR", end=date(2026, 3, 11)))
        set_rate(CLERK, RateTerms(rate=Decimal(200), currency="EUR", start=date(2026, 3, 11)))
        house = factories.company("House")
        late = datetime(2026, 3, 10, 22, 0, tzinfo=UTC)
        entry = factories.entry(
            house, by=factories.staff(), started_at=late, ended_at=late + timedelta(hours=1)
        ).id
    with unit_of_work():
        change_company(CLERK, house, {"zone": "UTC"})
    assert worth() == {entry: (10000, "EUR")}
    with unit_of_work():
        change_company(CLERK, house, {"zone": "Asia/Tokyo"})
    assert worth() == {entry: (20000, "EUR")}
    with unit_of_work():
        change_company(CLERK, house, {"zone": ""})
    assert worth() == {entry: (10000, "EUR")}
    with unit_of_work():
        change_agency(Particulars(zone="Asia/Tokyo"), actor=CLERK)
    assert worth() == {entry: (20000, "EUR")}


@pytest.mark.parametrize(
    ("change", "then"),
    [
        ({"work_date": date(2026, 2, 1)}, [("Floor", 10000, date(2026, 2, 1))]),
        ({"company_id": None}, [("Fjord", 10000, date(2026, 3, 2))]),
        ({"billable_seconds": 0, "non_billable_reason": "Goodwill"}, []),
        ({"state": "rejected"}, []),
    ],
)
def test_unbilled_value_follows_its_entry_before_anything_is_priced_anew(app, change, then):
    with unit_of_work():
        floor, fjord = factories.company("Floor"), factories.company("Fjord")
        entry = factories.entry(floor, by=factories.staff("Ana"), on=date(2026, 3, 2))
    with unit_of_work():
        set_rate(CLERK, RateTerms(rate=Decimal(100), currency="EUR"))
    assert worth() == {entry.id: (10000, "EUR")}
    before = {name: getattr(entry, name) for name in change}
    write(entry.id, {"company_id": fjord.id} if "company_id" in change else change)
    assert unbilled() == then
    write(entry.id, before)
    assert unbilled() == [("Floor", 10000, date(2026, 3, 2))]


def write(entry_id: int, values: dict[str, object]) -> None:
    with unit_of_work() as session:
        session.execute(update(TimeEntry).where(TimeEntry.id == entry_id).values(values))


def unbilled() -> list[tuple[str, int, date]]:
    rows = unbilled_by_company(Scope(), "EUR", date(2026, 4, 1))
    return [(row.name, row.amount, row.oldest) for row in rows]
