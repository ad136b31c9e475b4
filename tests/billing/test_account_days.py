"""The day of an entry is the day where its account is: period, rate, value and proof alike."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.billing import queries
from app.billing.commands.compile import dry_run
from app.billing.commands.rates import RateTerms, explain, set_rate, set_tax
from app.billing.commands.values import value_entries
from app.billing.documents.content import content_of
from app.billing.models import Document, EntryValue
from app.billing.payers import BillToRow, CompanyFacts, Payers
from app.billing.prove import prove
from app.companies.models import Company
from app.core import clock
from app.core.db import db, unit_of_work
from app.timelog.models import Timer
from jobs import load_handlers
from tests import factories
from tests.billing.desk import CLERK, MARCH, TODAY, assert_books, compiled, issued

NEW_YORK, PARIS = "America/New_York", "Europe/Paris"


def at(zone: str, *when: int) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def logged(company, by, begin: datetime, zone: str, seconds: int = 3600) -> int:
    """An entry as `timelog` keeps it: its work date is the day where its own company is."""
    return factories.entry(
        company,
        by=by,
        seconds=seconds,
        on=begin.astimezone(ZoneInfo(zone)).date(),
        started_at=begin,
        ended_at=begin + timedelta(seconds=seconds),
    ).id


@pytest.fixture
def house(app):
    """A house in Paris that pays for its department in New York; a new rate from April on."""
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_rate(CLERK, RateTerms(Decimal(100), "EUR", end=date(2026, 4, 1)))
        set_rate(CLERK, RateTerms(Decimal(200), "EUR", start=date(2026, 4, 1)))
        payer = factories.company("House", zone=PARIS)
        floor = factories.company("Floor", kind="department", parent_id=payer.id, zone=NEW_YORK)
    return payer, floor


def billed_through(day: date) -> list[int]:
    with clock.frozen(TODAY + timedelta(days=30)):
        previews, _, _ = dry_run(through=day)
    lines = [line for preview in previews for line in preview.compiled.document.lines]
    return sorted(entry.entry_id for line in lines for entry in line.entries)


def test_an_evening_in_new_york_is_the_next_day_of_its_payer_in_paris(house):
    payer, floor = house
    with unit_of_work():
        ana = factories.staff("Ana")
        before = logged(floor, ana, at(NEW_YORK, 2026, 3, 31, 17, 59), NEW_YORK)
        after = logged(floor, ana, at(NEW_YORK, 2026, 3, 31, 18, 0), NEW_YORK)
        april = logged(floor, ana, at(NEW_YORK, 2026, 4, 1, 10, 0), NEW_YORK)
    assert billed_through(MARCH) == [before]
    assert billed_through(date(2026, 4, 1)) == [before, after, april]
    assert explain(after).won.rate == 200, "the rate is that of the account's day"
    load_handlers()
    with clock.frozen(TODAY), unit_of_work():
        value_entries([before, after])
    worth = dict(db.session.execute(select(EntryValue.entry_id, EntryValue.amount_minor)).all())
    assert worth == {before: 10000, after: 20000}

    issued(compiled(MARCH))
    invoice = db.session.scalars(select(Document)).one()
    assert (invoice.zone, content_of(invoice.content).zone) == (PARIS, PARIS)
    issued(compiled(date(2026, 4, 2), at=TODAY + timedelta(days=1)), at=TODAY + timedelta(days=1))
    second = db.session.scalars(select(Document).order_by(Document.id.desc())).first()
    assert second.net_minor == 40000
    assert content_of(second.content).period_from == "2026-04-01"
    assert_books()
    with unit_of_work():
        db.session.get_one(Company, payer.id).zone = NEW_YORK
    assert explain(after).won.rate == 200, "as it was billed"


def test_prove_counts_days_in_the_zone_of_the_document(house):
    _, floor = house
    with unit_of_work():
        logged(floor, factories.staff("Ana"), at(NEW_YORK, 2026, 3, 31, 17, 59), NEW_YORK)
    issued(compiled(MARCH))
    assert_books()
    db.session.execute(text("alter table document disable trigger user"))
    db.session.execute(text("update document set zone = 'Pacific/Auckland'"))
    found = {check.name: check.detail for check in prove() if not check.ok}
    db.session.rollback()
    assert "2026-04-01" in found["entries"]
    assert "does not apply" in found["rates"]


def test_unapproved_time_and_running_timers_block_by_the_same_day(house):
    _, floor = house
    with unit_of_work():
        ana = factories.staff("Ana")
        done = logged(floor, ana, at(NEW_YORK, 2026, 3, 30, 9, 0), NEW_YORK)
        late = logged(floor, ana, at(NEW_YORK, 2026, 3, 31, 19, 0), NEW_YORK)
        db.session.execute(
            text("update time_entry set state = 'submitted' where id = :id"), {"id": late}
        )
        since, ticket = at(NEW_YORK, 2026, 3, 31, 20, 0), factories.ticket(floor)
        db.session.add(
            Timer(
                staff_id=ana.id,
                ticket_id=ticket.id,
                first_started_at=since,
                started_at=since,
                seen_at=since,
            )
        )
    assert billed_through(MARCH) == [done]
    with clock.frozen(TODAY):
        [march] = dry_run(through=MARCH)[0]
        [april] = dry_run(through=date(2026, 4, 1))[0]
    assert march.blocks == {}
    assert april.blocks == {"unapproved": 1, "running": 1}


def test_who_pays_is_decided_on_the_day_where_the_company_is(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_rate(CLERK, RateTerms(Decimal(100), "EUR"))
        old, new = factories.company("Old", zone=PARIS), factories.company("New", zone=PARIS)
        site = factories.company("Site", zone=NEW_YORK)
        factories.bill_to(site, old, None, date(2026, 3, 15))
        factories.bill_to(site, new, date(2026, 3, 15), None)
        entry = logged(site, factories.staff("Ana"), at(NEW_YORK, 2026, 3, 14, 22, 0), NEW_YORK)
        old_id = old.id
    with clock.frozen(TODAY):
        previews, _, _ = dry_run(through=MARCH)
    [preview] = [each for each in previews if each.entries]
    assert preview.account.payer_id == old_id
    assert preview.compiled.document.first_day == date(2026, 3, 15)
    assert billed_through(MARCH) == [entry]


ZONES = (
    *("America/Juneau", "America/Los_Angeles", NEW_YORK, PARIS, "Australia/Lord_Howe"),
    *("Pacific/Apia", "UTC"),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    own=st.sampled_from(ZONES),
    payer=st.sampled_from(ZONES),
    instant=st.datetimes(datetime(2011, 12, 28), datetime(2027, 1, 1), timezones=st.just(UTC))
    | st.sampled_from(
        [
            datetime(2011, 12, 30, 10, 0, tzinfo=UTC),  # Apia skips a day
            datetime(2026, 3, 8, 6, 59, tzinfo=UTC),  # New York goes to summer time
            datetime(2026, 3, 28, 23, 30, tzinfo=UTC),  # Paris the day after
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        ]
    ),
)
def test_the_database_and_the_engine_agree_on_the_day(app, own, payer, instant):
    with unit_of_work():
        house = factories.company(zone=payer)
        floor = factories.company(zone=own, kind="site", parent_id=house.id)
        number = logged(floor, factories.staff(), instant, own)
        facts = queries.payers(queries.agency())
        counted = facts.day_of(floor.id, instant.astimezone(ZoneInfo(own)).date(), instant)
        found = queries.unbilled_entries(counted, [floor.id], days=facts.days, with_projects=False)
        assert [entry.work_date for entry in found] == [counted]
        assert found[0].id == number
        assert counted == instant.astimezone(ZoneInfo(payer)).date()
        earlier = counted - timedelta(days=1)
        assert not queries.unbilled_entries(
            earlier, [floor.id], days=facts.days, with_projects=False
        )
        db.session.rollback()


def test_time_without_a_begin_keeps_the_day_it_was_told():
    companies = {
        1: CompanyFacts(1, "House", None, "company", "EUR", PARIS, is_archived=False),
        2: CompanyFacts(2, "Floor", 1, "site", "EUR", NEW_YORK, is_archived=False),
    }
    facts = Payers(companies, [BillToRow(2, 1, None, None)], zone="UTC")
    assert facts.day_of(2, date(2026, 3, 31), None) == date(2026, 3, 31)
