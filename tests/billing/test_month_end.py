"""A month's work becomes one invoice per payer, once."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text

from app.billing.commands import compile as compiling
from app.billing.commands import entries, extras
from app.billing.commands.credit import void_invoice
from app.billing.commands.issue import Order, issue_chunk
from app.billing.commands.payments import balance_of, record_payment, reverse_payment, settle
from app.billing.commands.rates import RateTerms, set_rate
from app.billing.commands.recompile import payers_now, recompile
from app.billing.models import (
    Allocation,
    BillingRun,
    Document,
    DocumentLine,
    ExtraLine,
    RunBlock,
    RunRow,
)
from app.companies.models import Company
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.timelog.models import TimeEntry
from jobs import load_handlers
from tests import factories
from tests.billing.desk import CLERK, MARCH, TODAY, assert_books, compiled, issued


def agency_with_work(companies: int = 1, entries: int = 2) -> list[int]:
    with unit_of_work():
        factories.rate("100")
        ana, bo = factories.staff("Ana"), factories.staff("Bo")
        made = [factories.company(tax_id="T1", billing_city="Bergen") for _ in range(companies)]
        for each in made:
            ticket = factories.ticket(each)
            for number in range(entries):
                factories.entry(each, by=(ana, bo)[number % 2], ticket_id=ticket.id, seconds=1800)
        return [each.id for each in made]


def test_two_people_one_company_one_invoice(app):
    agency_with_work()
    run = compiled()
    row = db.session.scalars(select(RunRow).where(RunRow.run_id == run)).one()
    assert (row.state, row.entries, row.seconds, row.gross_minor) == ("ready", 2, 3600, 10000)
    assert not db.session.scalar(select(func.count()).select_from(Document))
    outcome = issued(run)
    assert outcome["refused"] == []
    document = db.session.get(Document, outcome["issued"][0])
    assert document.number == "INV-2026-00001"
    assert (document.net_minor, document.gross_minor) == (10000, 10000)
    assert [line.seconds for line in document.lines] == [3600]
    shares = db.session.scalars(select(Allocation.amount_minor)).all()
    assert sum(shares) == document.net_minor
    assert issued(run) == {"run": run, "issued": [], "refused": []}


def sql(statement: str, **values):
    return db.session.execute(text(statement), values)


def test_departments_are_paid_by_their_company_and_dated_rows_win(app):
    with unit_of_work():
        factories.rate("100")
        ana = factories.staff()
        group = factories.company("Group")
        mother = factories.company("Mother")
        floor = factories.company("Floor", kind="department", parent_id=mother.id)
        daughter = factories.company("Daughter", parent_id=mother.id)
        factories.bill_to(daughter, group, date(2026, 3, 15))
        for of, on in ((mother, 3), (floor, 4), (daughter, 10), (daughter, 20)):
            factories.entry(of, by=ana, on=date(2026, 3, on))
    run = compiled()
    rows = db.session.scalars(select(RunRow).where(RunRow.run_id == run)).all()
    assert {row.account.payer.name: row.entries for row in rows} == {"Mother": 2, "Group": 1}
    blocks = db.session.scalars(select(RunBlock).where(RunBlock.run_id == run)).all()
    assert [(b.company.name, b.reason, b.entries) for b in blocks] == [
        ("Daughter", "no_bill_to", 1)
    ]


def test_every_reason_blocks_and_leave_blocked_bills_the_rest(app):
    with unit_of_work():
        ana = factories.staff()
        remote = factories.work_type("Remote")
        factories.rate("100", work_type_id=remote.id)
        factories.rate("0", staff_id=(free := factories.staff()).id)
        fjord = factories.company("Fjord")
        factories.entry(fjord, by=ana, work_type_id=remote.id)
        factories.entry(fjord, by=ana)
        factories.entry(fjord, by=ana, work_type_id=remote.id, state="submitted")
        nord = factories.company("Nord")
        factories.entry(nord, by=free)
        usd = factories.company("Dollar", currency="USD")
        factories.entry(usd, by=ana, work_type_id=remote.id)
    strict, lenient = compiled(), compiled(leave_blocked=True)

    def blocked(run):
        rows = db.session.scalars(select(RunBlock).where(RunBlock.run_id == run))
        return {(row.company.name, row.reason, row.entries) for row in rows}

    expected = {
        ("Fjord", "no_rate", 1),
        ("Fjord", "unapproved", 1),
        ("Nord", "zero_total", 1),
        ("Dollar", "currency_mismatch", 1),
    }
    assert blocked(strict) == blocked(lenient) == expected
    ready = select(RunRow).where(RunRow.state == "ready")
    assert not db.session.scalars(ready.where(RunRow.run_id == strict)).all()
    [row] = db.session.scalars(ready.where(RunRow.run_id == lenient)).all()
    assert (row.account.payer.name, row.entries, row.net_minor) == ("Fjord", 1, 10000)


@pytest.mark.parametrize(
    ("lines", "state", "net"),
    [
        ([(1, 8 * 10**11)], "ready", 8 * 10**13 + 10_000),
        ([(1, 6 * 10**11), (1, 6 * 10**11)], "blocked", 12 * 10**13 + 10_000),
        ([(10**9, 9 * 10**11), (-(10**9), 9 * 10**11)], "blocked", 0),
    ],
)
def test_what_is_beyond_all_measure_is_blocked_alone_and_overflows_nothing(app, lines, state, net):
    with unit_of_work():
        factories.rate("100")
        ana, fjord, nord = factories.staff(), factories.company("Fjord"), factories.company("Nord")
        for company in (fjord, nord):
            factories.entry(company, by=ana)
        account = factories.account(fjord)
        for quantity, price in lines:
            line = {"quantity": quantity, "unit_price": price}
            db.session.add(ExtraLine(account_id=account.id, kind="hand", text="Licence", **line))
    run = compiled()
    rows = db.session.scalars(select(RunRow).where(RunRow.run_id == run)).all()
    found = {row.account.payer.name: (row.state, row.net_minor) for row in rows}
    assert found == {"Fjord": (state, net), "Nord": ("ready", 10_000)}
    blocks = db.session.scalars(select(RunBlock).where(RunBlock.run_id == run)).all()
    told = [] if state == "ready" else [("Fjord", "too_large", 1)]
    assert [(each.company.name, each.reason, each.entries) for each in blocks] == told
    assert len(issued(run)["issued"]) == 2 - len(told)
    assert_books()


def test_time_moved_to_a_company_that_was_never_billed_is_billed_in_the_same_run(app):
    with unit_of_work():
        factories.rate("100")
        fjord, nord = factories.company("Fjord"), factories.company("Nord")
        entry = factories.entry(fjord, by=factories.staff("Ana"), seconds=3600)
        ticket = factories.ticket(nord)
    run = compiled()
    with unit_of_work():
        entries.move(CLERK, [entry.id], ticket_id=ticket.id)
        recompile(run, payers_now(run, [fjord.id, nord.id]))
    [row] = db.session.scalars(select(RunRow)).all()
    assert (row.account.payer.name, row.state, row.gross_minor) == ("Nord", "ready", 10000)
    assert len(issued(run)["issued"]) == 1
    assert_books()


def test_totals_are_those_of_an_independent_sum(app):
    agency_with_work(companies=7, entries=3)
    outcome = issued(compiled())
    assert len(outcome["issued"]) == 7
    total = sql(
        "select sum(billable_seconds) * 100 * 100 / 3600 from time_entry where state = 'approved'"
    ).scalar()
    assert db.session.scalar(select(func.sum(Document.net_minor))) == total
    assert db.session.scalar(select(func.sum(DocumentLine.net_minor))) == total
    assert db.session.scalar(select(func.sum(Allocation.amount_minor))) == total
    numbers = db.session.scalars(select(Document.number).order_by(Document.sequence)).all()
    assert numbers == [f"INV-2026-{n:05}" for n in range(1, 8)]


def test_a_repeated_run_creates_nothing(app):
    agency_with_work(companies=2)
    issued(compiled())
    again = compiled()
    assert not db.session.scalars(select(RunRow).where(RunRow.run_id == again)).all()
    assert issued(again)["issued"] == []


def test_a_newer_run_takes_the_place_of_an_unissued_one(app):
    agency_with_work()
    old, new = compiled(), compiled()
    with pytest.raises(RuleError, match="newer run"):
        issued(old)
    assert len(issued(new)["issued"]) == 1


def test_a_run_that_is_compiled_after_a_newer_one_gives_way_to_it(app):
    agency_with_work()
    load_handlers()
    with clock.frozen(TODAY):
        with unit_of_work():
            (old, late), (new, soon) = (compiling.start_run(CLERK, through=MARCH) for _ in range(2))
        for job in (soon, late):
            jobs.run(job)
    with pytest.raises(RuleError, match="newer run"):
        issued(old)
    assert len(issued(new)["issued"]) == 1


def test_a_job_that_was_cut_off_after_its_end_leaves_the_run_as_it_is(app):
    agency_with_work()
    run = compiled()
    undone = "update job set state = 'new' where kind = 'billing.compile' returning id"
    with unit_of_work():
        job = db.session.scalar(text(undone))
    [invoice] = issued(run)["issued"]
    jobs.run(job)
    assert db.session.scalars(select(RunRow.document_id)).all() == [invoice]
    assert db.session.scalars(select(BillingRun.state)).all() == ["issued"]


def test_a_late_run_gives_way_only_where_a_newer_one_has_the_account(app):
    [one, two] = agency_with_work(companies=2)
    load_handlers()
    with clock.frozen(TODAY):
        with unit_of_work():
            old, late = compiling.start_run(CLERK, through=MARCH)
            _, soon = compiling.start_run(CLERK, through=MARCH, company_id=one)
        for job in (soon, late):
            jobs.run(job)
    [invoice] = issued(old)["issued"]
    assert db.session.get_one(Document, invoice).account.payer_id == two


def test_a_future_date_is_refused(app):
    with pytest.raises(RuleError, match="in the future"):
        compiled(date(2026, 4, 3))


def test_a_changed_rate_stops_the_account_and_says_the_difference(app):
    [one, two] = agency_with_work(companies=2)
    run = compiled()
    with unit_of_work():
        set_rate(CLERK, RateTerms(Decimal(200), "EUR", company_id=one))
    outcome = issued(run)
    assert len(outcome["issued"]) == 1
    [refused] = outcome["refused"]
    assert refused["company_id"] == one
    assert "was EUR\u00a0100.00 and would be EUR\u00a0200.00" in refused["reason"]
    assert db.session.scalars(select(Document.payer_id)).all() == [two]


def test_late_work_is_named_in_the_refusal(app):
    [company] = agency_with_work()
    run = compiled()
    with unit_of_work():
        ana = factories.staff()
        late = factories.entry(db.session.get(Company, company), by=ana).id
    [refused] = issued(run)["refused"]
    assert f"time entry {late} came in" in refused["reason"]


def test_extra_lines_and_discounts_are_billed_once_and_come_back_when_voided(app):
    [company] = agency_with_work()
    with unit_of_work():
        account = factories.account(db.session.get(Company, company))
        extras.add_line(CLERK, account.id, text="Licence", unit_price=Decimal(50))
        with pytest.raises(RuleError, match="more than 4 decimals"):
            extras.add_line(CLERK, account.id, text="Clicks", unit_price=Decimal("0.00005"))
        extras.add_discount(CLERK, account.id, text="Loyal", percent=Decimal(10))
    outcome = issued(compiled())
    document = db.session.get(Document, outcome["issued"][0])
    assert document.net_minor == 13500
    assert [(line.kind, line.net_minor) for line in document.lines] == [
        ("time", 9000),
        ("fixed", 4500),
    ]
    with clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, document.number, reason="Wrong month")
    again = db.session.get(Document, issued(compiled())["issued"][0])
    assert again.net_minor == 13500


def test_void_releases_exactly_its_entries(app):
    agency_with_work(companies=2)
    first, second = issued(compiled())["issued"]
    with clock.frozen(TODAY), unit_of_work():
        number = db.session.get(Document, first).number
        done = void_invoice(CLERK, number, reason="Wrong company")
    assert done.entries_released == 2
    credit = db.session.get(Document, done.document_id)
    assert (credit.number, credit.gross_minor, credit.credits_id) == ("CN-2026-00001", 10000, first)
    assert balance_of(first) == 0
    live = select(func.count()).select_from(Allocation).where(Allocation.released_at.is_(None))
    assert db.session.scalar(live.where(Allocation.kind == "line")) == 2
    with pytest.raises(RuleError, match="voided already"), clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, number, reason="Again")
    [again] = issued(compiled())["issued"]
    assert db.session.get(Document, again).number == "INV-2026-00003"
    assert second != again
    assert_books()


def test_money_on_an_invoice_keeps_it_from_being_voided(app):
    agency_with_work()
    [invoice] = issued(compiled())["issued"]
    number = db.session.get(Document, invoice).number
    payment = paid(invoice, 6000)
    assert (balance_of(invoice), payment.credit_minor) == (4000, 0)
    refused = pytest.raises(RuleError, match=r"EUR\u00a060\.00 is set against")
    with refused, clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, number, reason="No")
    with clock.frozen(TODAY), unit_of_work():
        reverse_payment(CLERK, payment.payment_id, reason="Bounced")
    with pytest.raises(RuleError, match="is reversed"), unit_of_work():
        settle(CLERK, payment_id=payment.payment_id, invoice_id=invoice)
    assert balance_of(invoice) == 10000
    over = paid(invoice, 12500)
    assert (balance_of(invoice), over.credit_minor) == (0, 2500)
    assert_books()


def paid(invoice, amount):
    with clock.frozen(TODAY), unit_of_work():
        document = db.session.get(Document, invoice)
        return record_payment(
            CLERK,
            account_id=document.account_id,
            amount_minor=amount,
            received_on=date(2026, 4, 1),
            method="transfer",
            invoice_ids=[invoice],
        )


def test_the_same_payment_twice_is_one(app):
    agency_with_work()
    [invoice] = issued(compiled())["issued"]
    account = db.session.get(Document, invoice).account_id
    for _ in range(2):
        with clock.frozen(TODAY), unit_of_work():
            record_payment(
                CLERK,
                account_id=account,
                amount_minor=3000,
                received_on=date(2026, 4, 1),
                method="cash",
                invoice_ids=[invoice],
                idempotency_key="nonce",
            )
    assert balance_of(invoice) == 7000


def test_a_write_off_is_visible_and_never_billed(app):
    [company] = agency_with_work()
    entry = db.session.scalars(select(TimeEntry.id).order_by(TimeEntry.id)).first()
    with unit_of_work():
        entries.write_off(CLERK, [entry], reason="Our mistake")
    run = compiled()
    row = db.session.scalars(select(RunRow).where(RunRow.run_id == run)).one()
    assert row.entries == 1
    with unit_of_work():
        entries.undo_write_off(CLERK, [entry])
    assert db.session.scalars(select(RunRow).where(RunRow.run_id == compiled())).one().entries == 2
    assert company


def test_no_invoice_is_dated_before_one_of_a_later_year(app):
    agency_with_work()
    issued(compiled())
    agency_more(companies=1, entries=1)
    run = compiled()
    refused = issued(run, on=date(2019, 1, 1))
    assert refused["issued"] == []
    assert "is before the date of the last invoice issued" in refused["refused"][0]["reason"]
    assert issued(run)["refused"] == []


def test_a_held_entry_waits(app):
    agency_with_work()
    entry = db.session.scalars(select(TimeEntry.id).order_by(TimeEntry.id)).first()
    with unit_of_work():
        entries.hold(CLERK, [entry], reason="Asked the client")
    assert db.session.scalars(select(RunRow).where(RunRow.run_id == compiled())).one().entries == 1
    with unit_of_work():
        entries.release(CLERK, [entry])
    assert db.session.scalars(select(RunRow).where(RunRow.run_id == compiled())).one().entries == 2


def test_an_account_that_cannot_be_written_stands_in_no_other_s_way(app):
    """Its chunk fails as a whole, and is done again account by account."""
    ids = agency_with_work(companies=3)
    run = compiled()
    with unit_of_work():
        sql(f"""
            create function refuse() returns trigger language plpgsql as $$ begin
              if new.payer_id = {ids[1]} then
                raise exception 'not this one' using errcode = 'check_violation';
              end if; return new; end $$""")
        sql(
            "create trigger refuse before insert on document for each row execute function refuse()"
        )
    outcome = issued(run)
    assert [
        (each["company_id"], "not this one" in each["reason"]) for each in outcome["refused"]
    ] == [(ids[1], True)]
    with unit_of_work():
        sql("drop trigger refuse on document")
        sql("drop function refuse")
    issued(run)
    numbers = db.session.execute(
        select(Document.payer_id, Document.sequence).order_by(Document.sequence)
    ).all()
    assert [tuple(each) for each in numbers] == [(ids[0], 1), (ids[2], 2), (ids[1], 3)]
    assert_books()


def test_a_chunk_of_200_accounts_asks_the_server_as_little_as_one_account(app, statements):
    with unit_of_work():
        factories.rate("100")
    asked = []
    for companies, each in ((1, 1), (200, 2)):
        agency_more(companies=companies, entries=each)
        run, of_compiling = statements_of_compiling(statements)
        rows = select(func.count()).select_from(RunRow).where(RunRow.run_id == run)
        assert db.session.scalar(rows) == companies
        asked.append((of_compiling, statements_of_issue(run, statements)))
    assert asked[0] == asked[1]
    assert max(asked[1]) <= 40


def test_time_is_not_moved_to_where_nobody_pays_and_takes_the_day_of_where_it_goes(app):
    with unit_of_work():
        entry = factories.entry(factories.company(zone="Pacific/Auckland"), by=factories.staff())
        entry.started_at = datetime(2026, 3, 31, 20, tzinfo=UTC)
        entry.ended_at = entry.started_at + timedelta(seconds=entry.recorded_seconds)
        entry.work_date = date(2026, 4, 1)
        gone = factories.ticket(factories.company("Gone", archived_at=factories.NOON))
        west = factories.ticket(factories.company(zone="America/Los_Angeles"))
        ids, gone_id, west_id = [entry.id], gone.id, west.id
    with pytest.raises(RuleError, match="Gone is archived"), unit_of_work():
        entries.move(CLERK, ids, ticket_id=gone_id)
    with unit_of_work():
        entries.move(CLERK, ids, ticket_id=west_id)
    moved = db.session.get_one(TimeEntry, ids[0], populate_existing=True)
    assert (moved.ticket_id, moved.work_date) == (west_id, date(2026, 3, 31))


def test_many_entries_are_held_in_as_many_statements_as_one(app, statements):
    with unit_of_work():
        ana, fjord = factories.staff(), factories.company()
        ids = [factories.entry(fjord, by=ana).id for _ in range(21)]
    asked = []
    for some in (ids[:1], ids[1:]):
        with statements() as counted, unit_of_work():
            assert entries.hold(CLERK, some, reason="Asked the client") == len(some)
        asked.append(len(counted))
    assert asked[0] == asked[1]


def agency_more(companies, entries):
    with unit_of_work():
        ana = factories.staff()
        for _ in range(companies):
            company = factories.company()
            for _ in range(entries):
                ticket = factories.ticket(company)
                factories.entry(company, by=ana, ticket_id=ticket.id)


def statements_of_compiling(statements):
    """Of the whole job, its begin and end beside the chunk."""
    load_handlers()
    with clock.frozen(TODAY):
        with unit_of_work():
            run_id, job_id = compiling.start_run(CLERK, through=MARCH)
        with statements() as asked:
            jobs.run(job_id)
    return run_id, len(asked)


def statements_of_issue(run, statements):
    with clock.frozen(TODAY):
        ids = db.session.scalars(select(RunRow.id).where(RunRow.run_id == run)).all()
        db.session.commit()
        order = Order(run, MARCH, date(2026, 4, 2), CLERK, mail=True)
        with statements() as asked, unit_of_work():
            outcome = issue_chunk(order, ids)
    assert len(outcome.issued) == len(ids)
    return len(asked)
