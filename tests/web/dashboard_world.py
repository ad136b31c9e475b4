"""A small agency with work, tickets, unbilled value and receivables, for the dashboards' tests."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from app.billing.models import BillingAccount, EntryValue, Payment, RateRule, Settlement
from app.companies.models import Company
from app.core.db import db, unit_of_work
from app.staff.models import Department, Staff
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.billing.issued import issued

TODAY = datetime(2026, 4, 20, 10, tzinfo=UTC)
FIRST = date(2026, 1, 5)


def build() -> None:
    """Fourteen companies in a tree, 60 tickets, 180 entries, 12 invoices, two currencies."""
    pick = random.Random(7)
    with unit_of_work():
        make.set_up_agency(zone="Pacific/Auckland")
        companies = [make.company(f"Company {number:02}") for number in range(10)]
        companies += [make.company(f"Site {n}", parent_id=companies[n].id) for n in range(4)]
        people = [make.staff(f"Person {number}") for number in range(3)]
        departments = [make.department("Support"), make.department("Projects")]
        make.rate("90")
        _work(pick, companies, people, departments)


def grow(times: int) -> None:
    """As many tickets, entries and invoices again as `build` made, so many times."""
    with unit_of_work() as session:
        all_of = [
            session.scalars(select(of).order_by(of.id)).all() for of in (Company, Staff, Department)
        ]
        for number in range(times):
            _work(random.Random(number), *all_of)


def _work(
    pick: random.Random,
    companies: Sequence[Company],
    people: Sequence[Staff],
    departments: Sequence[Department],
) -> None:
    tickets = [_ticket(pick, companies, departments) for _ in range(60)]
    rate_id = db.session.scalars(select(RateRule.id)).one()
    for number in range(180):
        _entry(pick, number, companies, people, tickets, rate_id)
    for number in range(12):
        _invoice(number, companies)


def _ticket(
    pick: random.Random, companies: Sequence[Company], departments: Sequence[Department]
) -> Ticket:
    opened = datetime(2025, 12, 20, tzinfo=UTC) + timedelta(hours=pick.randrange(0, 24 * 120))
    is_closed = pick.random() < 0.6
    more = {}
    if is_closed:
        more["closed_at"] = opened + timedelta(hours=pick.randrange(-10, 24 * 30))
    return make.ticket(
        pick.choice(companies),
        category="completed" if is_closed else "open",
        created_at=opened,
        department_id=pick.choice([None, departments[0].id, departments[1].id]),
        **more,
    )


def _entry(pick, number, companies, people, tickets, rate_id) -> TimeEntry:
    ticket = pick.choice([None, *tickets])
    company_id = ticket.company_id if ticket else pick.choice(companies).id
    recorded = pick.randrange(1, 9000)
    billable = pick.choice([recorded, recorded, 0, recorded // 3])
    entry = make.entry(
        db.session.get(Company, company_id),
        by=pick.choice(people),
        on=FIRST + timedelta(days=pick.randrange(0, 100)),
        seconds=recorded,
        ticket_id=ticket.id if ticket else None,
        description=pick.choice(["Fixed it", "=cmd|' /C calc'!A0", "<script>alert(1)</script>"]),
    )
    entry.billable_seconds = billable
    entry.non_billable_reason = "" if billable == recorded else "Goodwill"
    db.session.flush()
    if number % 3 and billable:
        value = EntryValue(
            entry_id=entry.id,
            payer_id=company_id,
            rate_rule_id=rate_id,
            billed_seconds=billable,
            amount_minor=billable * 9000 // 3600,
            currency="EUR" if number % 5 else "KWD",
            company_id=company_id,
            work_date=entry.work_date,
            counts=True,
        )
        db.session.add(value)
        db.session.flush()
    return entry


def _invoice(number: int, companies: Sequence[Company]) -> None:
    payer = companies[number % 10]
    currency = ("EUR", "KWD")[number // 10]
    known = select(BillingAccount).filter_by(payer_id=payer.id, currency=currency)
    account = db.session.scalar(known) or make.account(payer, currency)
    due = date(2026, 4, 21) - timedelta(days=17 * number)
    invoice = issued(account, on=date(2025, 9, 1) + timedelta(days=number), due=due)
    paid = {3: invoice.gross_minor, 4: invoice.gross_minor // 3}.get(number)
    if paid:
        payment = Payment(
            account_id=account.id,
            amount_minor=paid,
            currency=account.currency,
            received_on=date(2026, 4, 1),
            method="bank",
        )
        db.session.add(payment)
        db.session.flush()
        db.session.add(Settlement(payment_id=payment.id, invoice_id=invoice.id, amount_minor=paid))
        db.session.flush()


def id_of(model: type, name: str) -> int:
    return db.session.scalars(select(model.id).where(model.name == name)).one()
