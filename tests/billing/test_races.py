"""Several people press at once: every entry is billed once, every number given once."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tests.processes import FORKING, application


def issue_elsewhere(url: str, folder: Path, run: int) -> dict:
    from tests.billing.desk import issued

    with application(url, folder):
        return issued(run)


def value_elsewhere(url: str, folder: Path, entry: int) -> int:
    from app.billing.commands.values import value_entries
    from app.core.db import unit_of_work

    with application(url, folder), unit_of_work():
        return value_entries([entry])


def log_elsewhere(url: str, folder: Path, staff: int, ticket: int) -> None:
    from app.core.db import unit_of_work
    from app.timelog.commands import log_time
    from app.timelog.rules import Work
    from tests.billing.desk import CLERK

    with application(url, folder), unit_of_work():
        log_time(Work(seconds=3600), actor=CLERK, staff_id=staff, ticket_id=ticket)


ROUNDS = 40


def ticket_with_time() -> tuple[int, list[int], list[int]]:
    """An entry, its ticket and another one, and the companies they may go to."""
    from app.core.db import unit_of_work
    from tests import factories

    with unit_of_work():
        companies = [factories.company(name) for name in ("From", "To")]
        tickets = [factories.ticket(companies[0]) for _ in range(2)]
        entry = factories.entry(companies[0], by=factories.staff(), ticket_id=tickets[0].id)
        return entry.id, [each.id for each in tickets], [each.id for each in companies]


def move_elsewhere(url: str, folder: Path, entry: int, tickets: list[int]) -> None:
    from app.core.db import unit_of_work

    with application(url, folder), unit_of_work():
        move_once(0, [entry], tickets)


def edit_elsewhere(url: str, folder: Path, entry: int, tickets: list[int]) -> None:
    from app.core.db import db, unit_of_work
    from app.timelog.commands import edit_entry
    from app.timelog.models import TimeEntry
    from app.timelog.rules import Work
    from tests.billing.desk import CLERK

    with application(url, folder), unit_of_work():
        edit_entry(db.session.get_one(TimeEntry, entry), Work(seconds=600), actor=CLERK)


def move_once(number: int, entries: list[int], tickets: list[int]) -> None:
    from app.billing.commands import entries as commands
    from tests.billing.desk import CLERK

    commands.move(CLERK, entries, ticket_id=tickets[number % 2])


def move_ticket_once(number: int, companies: list[int], tickets: list[int]) -> None:
    from app.tickets.queries import locked_by_id
    from app.timelog.commands import move_ticket
    from tests.billing.desk import CLERK

    for ticket in locked_by_id(tickets):
        move_ticket(ticket, actor=CLERK, company_id=companies[number % 2])


def rounds_elsewhere(url: str, folder: Path, work, of: list[int], tickets: list[int]) -> int:
    """Do it again and again, each in a transaction of its own; a deadlock raises."""
    from app.core.db import unit_of_work

    with application(url, folder):
        for number in range(ROUNDS):
            with unit_of_work():
                work(number, of, tickets)
    return ROUNDS


@contextmanager
def held(url: str, query: str, work: partial) -> Iterator[psycopg.Connection]:
    """Keep rows from a piece of work in another process; it waits when this yields.

    It ends after the connection that is yielded has committed.
    """
    address = url.replace("+psycopg", "")
    with ProcessPoolExecutor(1, mp_context=FORKING) as pool, psycopg.connect(address) as desk:
        desk.execute(query)
        working = pool.submit(work)
        with psycopg.connect(address, autocommit=True) as watch:
            while not watch.execute("select 1 from pg_locks where not granted").fetchone():
                assert not working.done(), working.result()
                time.sleep(0.05)
        yield desk
        desk.commit()
        working.result()


@pytest.fixture
def world(database_url, short_dir):
    """An application over a database that other processes use as well."""
    with application(database_url, short_dir):
        yield


def test_two_issues_of_two_runs_at_once_bill_each_entry_once(world, database_url, short_dir):
    from sqlalchemy import func, select, update

    from app.billing.models import Allocation, BillingRun, Document, RunRow, Series
    from app.core.db import db, unit_of_work
    from tests.billing.desk import assert_books, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work(companies=8, entries=6)
    first, second = compiled(), compiled()
    with unit_of_work():  # as if both had been compiled at the same instant
        db.session.execute(update(RunRow).values(state="ready"))
        db.session.execute(update(BillingRun).values(state="ready"))
    runs = [first, second, first, second]
    issue = partial(issue_elsewhere, database_url, short_dir)
    with ProcessPoolExecutor(2, mp_context=FORKING) as pool:
        outcomes = list(pool.map(issue, runs))
    issued = [document for outcome in outcomes for document in outcome["issued"]]
    assert len(issued) == len(set(issued)) == 8
    live = select(func.count(), func.count(Allocation.entry_id.distinct())).where(
        Allocation.released_at.is_(None)
    )
    assert db.session.execute(live).one() == (48, 48)
    assert db.session.scalar(select(func.count()).select_from(Document)) == 8
    assert db.session.scalars(select(Series.next_no)).one() == 9
    assert_books()


def test_a_line_added_before_its_account_is_held_for_issue_is_no_surprise_on_a_later_invoice(
    world, database_url, short_dir
):
    from sqlalchemy import text

    from app.core.db import db
    from tests.billing.desk import assert_books, compiled, issued
    from tests.billing.test_month_end import agency_with_work

    agency_with_work()
    issue = partial(issue_elsewhere, database_url, short_dir, compiled())
    with held(database_url, "select id from billing_account for update", issue) as desk:
        desk.execute(
            "insert into extra_line (account_id, kind, text, unit_price)"
            " select id, 'fixed', 'Setting up', 500 from billing_account"
        )
    assert db.session.scalar(text("select count(*) from document")) == 0
    reason = db.session.scalar(text("select reason from run_row"))
    assert "The total was EUR\u00a0100.00 and would be EUR\u00a0600.00" in reason
    db.session.rollback()
    issued(compiled())
    assert db.session.scalars(text("select document_id is null from extra_line")).all() == [False]
    assert_books()


def test_time_kept_back_before_it_is_held_for_issue_is_not_billed(world, database_url, short_dir):
    from sqlalchemy import text

    from app.core.db import db
    from tests.billing.desk import assert_books, compiled, issued
    from tests.billing.test_month_end import agency_with_work

    agency_with_work()
    issue = partial(issue_elsewhere, database_url, short_dir, compiled())
    with held(database_url, "select id from time_entry for update", issue) as desk:
        desk.execute(
            "insert into entry_hold (entry_id, reason) select min(id), 'Wait' from time_entry"
        )
    assert db.session.scalar(text("select count(*) from document")) == 0
    reason = db.session.scalar(text("select reason from run_row"))
    assert "EUR\u00a0100.00" in reason
    db.session.rollback()
    issued(compiled())
    both = "select count(*) from allocation join entry_hold using (entry_id)"
    assert db.session.scalar(text(both)) == 0
    assert_books()


def test_who_changes_a_run_and_who_issues_it_take_turns(world, database_url, short_dir):
    """Whoever changes its entries holds the run, then these, and its accounts' rows at the end."""
    from tests.billing.desk import compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work()
    issue = partial(issue_elsewhere, database_url, short_dir, compiled())
    with held(database_url, "select id from billing_run for update", issue) as desk:
        desk.execute("select id from time_entry for update nowait")
        desk.execute("select id from run_row for update nowait")


def test_who_changes_lines_and_who_issues_hold_accounts_before_lines(
    world, database_url, short_dir
):
    from decimal import Decimal

    from app.billing.commands import extras
    from app.billing.models import BillingAccount
    from app.core.db import db, unit_of_work
    from tests.billing.desk import CLERK, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work()
    compiled()
    with unit_of_work():
        account = db.session.query(BillingAccount).one().id
        extras.add_line(CLERK, account, text="Licence", unit_price=Decimal(5))
    issue = partial(issue_elsewhere, database_url, short_dir, compiled())
    with held(database_url, "select id from billing_account for update", issue) as desk:
        desk.execute("select id from extra_line for update nowait")


@pytest.mark.parametrize("work", [move_elsewhere, edit_elsewhere])
def test_tickets_are_held_before_their_time(world, database_url, short_dir, work):
    """As whoever moves a ticket holds it, and then the time that goes along."""
    entry, there, _ = ticket_with_time()
    working = partial(work, database_url, short_dir, entry, there)
    with held(database_url, "select id from ticket for update", working) as desk:
        desk.execute("select id from time_entry for update nowait")


def test_time_and_its_tickets_are_moved_at_once_without_a_deadlock(world, database_url, short_dir):
    from sqlalchemy import select

    from app.core.db import db
    from app.timelog.models import TimeEntry

    entry, there, companies = ticket_with_time()
    moving = [
        partial(rounds_elsewhere, database_url, short_dir, move_once, [entry], there),
        partial(rounds_elsewhere, database_url, short_dir, move_ticket_once, companies, there),
    ]
    with ProcessPoolExecutor(2, mp_context=FORKING) as pool:
        for done in [pool.submit(each) for each in moving]:
            assert done.result() == ROUNDS
    found = db.session.scalars(select(TimeEntry)).one()
    assert found.company_id == found.ticket.company_id


def test_who_pays_when_a_chunk_is_issued_counts_and_not_who_paid_when_its_job_began(
    world, database_url, short_dir
):
    from sqlalchemy import select, text

    from app.billing.models import RunRow
    from app.core.db import db, unit_of_work
    from tests import factories
    from tests.billing.desk import compiled
    from tests.billing.test_month_end import agency_with_work

    [company] = agency_with_work()
    with unit_of_work():
        payer = factories.company("New payer", tax_id="T2", billing_city="Bergen").id
    issue = partial(issue_elsewhere, database_url, short_dir, compiled())
    with held(database_url, "select id from run_row for update", issue) as desk:
        desk.execute(
            "insert into bill_to (company_id, payer_id, valid) values (%s, %s, '[,)')",
            (company, payer),
        )
    assert db.session.scalar(text("select count(*) from document")) == 0
    row = db.session.scalars(select(RunRow)).one()
    assert row.state == "refused"
    assert "no longer holds" in row.reason


def test_time_is_priced_by_the_rates_that_hold_once_it_is_held(world, database_url, short_dir):
    from sqlalchemy import select

    from app.billing.models import EntryValue
    from app.core.db import db, unit_of_work
    from tests import factories

    with unit_of_work():
        factories.rate("100")
        entry = factories.entry(factories.company("Fjord"), by=factories.staff("Ana")).id
    pricing = partial(value_elsewhere, database_url, short_dir, entry)
    with held(database_url, "select id from time_entry for update", pricing) as desk:
        desk.execute(
            "insert into rate_rule (rate, currency, company_id, valid)"
            " select 200, 'EUR', id, '[,)' from company"
        )
    assert db.session.scalars(select(EntryValue.amount_minor)).all() == [20000]


def test_time_logged_while_its_ticket_moves_goes_to_the_company_it_moves_to(
    world, database_url, short_dir
):
    from sqlalchemy import select

    from app.core.db import db, unit_of_work
    from app.timelog.models import TimeEntry
    from tests import factories

    with unit_of_work():
        ticket, ana = factories.ticket(factories.company("From")).id, factories.staff("Ana").id
        to = factories.company("To").id
    logging = partial(log_elsewhere, database_url, short_dir, ana, ticket)
    with held(database_url, "select id from ticket for update", logging) as desk:
        desk.execute("update ticket set company_id = %s", (to,))
    assert db.session.scalars(select(TimeEntry.company_id)).all() == [to]


def test_each_of_two_who_press_is_told_only_what_was_issued_for_them(world):
    from app.billing.commands.issue import start_issue
    from app.core import clock, jobs
    from app.core.db import unit_of_work
    from tests.billing.desk import CLERK, TODAY, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work(companies=2)
    run = compiled()
    with clock.frozen(TODAY):
        with unit_of_work():
            both = [start_issue(CLERK, run) for _ in range(2)]
        first, second = (jobs.run(job) for job in both)
    assert (len(first["issued"]), second["issued"]) == (2, [])


def test_a_row_that_others_issued_meanwhile_is_refused_by_nobody(world):
    from sqlalchemy import select

    from app.billing.commands import issue
    from app.billing.models import RunRow
    from app.core import clock, jobs
    from app.core.db import db, unit_of_work
    from tests.billing.desk import CLERK, TODAY, compiled, issued
    from tests.billing.test_month_end import agency_with_work

    agency_with_work(companies=1)
    run = compiled()
    with clock.frozen(TODAY), unit_of_work():
        late = issue.start_issue(CLERK, run)
    issued(run)
    row = db.session.scalars(select(RunRow)).one()
    assert issue.refuse(jobs.claim(late), row.id, "Too late.") == issue.Outcome()
    db.session.refresh(row)
    assert (row.state, row.reason) == ("issued", "")
