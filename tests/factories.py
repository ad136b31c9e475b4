"""One row each, with sane defaults; each flushes, none commits. Needs an application context."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import Range
from werkzeug.security import generate_password_hash

from app.billing.models import BillingAccount, RateRule, Tax
from app.companies.models import BillTo, Company, Contact, ContactEmail, Membership
from app.core.db import db
from app.core.models import Agency
from app.core.sealing import seal
from app.staff.models import Department, Staff
from app.tickets.mail_models import Mailbox
from app.tickets.models import Ticket, TicketStatus
from app.tickets.sla_models import BusinessCalendar, BusinessHours, SlaPolicy
from app.timelog.models import TimeEntry, WorkType

_next = count(1)
PASSWORD = "a long enough secret"


def quickly_hashed(password: str) -> str:
    """What is stored for a password, at a thirty-second of the cost of checking it."""
    return generate_password_hash(password, method="scrypt:1024:8:1")


PASSWORD_HASH = quickly_hashed(PASSWORD)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def _saved(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def company(name: str | None = None, **values: Any) -> Company:
    name = name or f"Company {next(_next)}"
    values.setdefault("name_key", name.casefold())
    return _saved(Company(name=name, **values))


def bill_to(site: Company, payer: Company, start: date | None = None, end: date | None = None):
    return _saved(
        BillTo(company_id=site.id, payer_id=payer.id, valid=Range(start, end, bounds="[)"))
    )


def contact(of: Company, name: str | None = None, *, role: str = "requester", **values: Any):
    number = next(_next)
    name = name or f"Contact {number}"
    person = _saved(Contact(name=name, name_key=name.casefold(), **values))
    _saved(ContactEmail(contact_id=person.id, address=f"c{number}@example.com", is_primary=True))
    _saved(Membership(contact_id=person.id, company_id=of.id, role=role, is_primary=True))
    return person


def staff(name: str | None = None, **values: Any) -> Staff:
    name = name or f"Person {next(_next)}"
    return _saved(Staff(name=name, name_key=name.casefold(), **values))


def department(name: str | None = None) -> Department:
    return _saved(Department(name=name or f"Department {next(_next)}"))


def policy(name: str = "Usual", **values: Any) -> SlaPolicy:
    """A policy whose calendar is open on Mondays from nine to five."""
    calendar = _saved(BusinessCalendar(name=f"{name} hours", zone="UTC"))
    _saved(BusinessHours(calendar_id=calendar.id, weekday=0, opens=540, closes=1020))
    return _saved(SlaPolicy(name=name, calendar_id=calendar.id, **values))


def mailbox(address: str, **values: Any) -> Mailbox:
    given = {"host": "127.0.0.1", "user_name": address, "password": seal("x", purpose="mailbox")}
    return _saved(Mailbox(address=address, **(given | values)))


def work_type(name: str | None = None, **values: Any) -> WorkType:
    return _saved(WorkType(name=name or f"Work {next(_next)}", **values))


def status(category: str = "open") -> TicketStatus:
    return db.session.scalars(
        select(TicketStatus).where(TicketStatus.category == category).order_by(TicketStatus.id)
    ).first()


def ticket(
    of: Company, subject: str = "The printer is on fire", *, category: str = "open", **values
):
    values.setdefault("created_at", NOON)
    if category in {"resolved", "completed"}:
        values.setdefault("closed_at", NOON)
    return _saved(
        Ticket(
            subject=subject,
            company_id=of.id,
            status_id=status(category).id,
            category=category,
            last_event_at=values["created_at"],
            **values,
        )
    )


def entry(
    of: Company,
    *,
    by: Staff,
    seconds: int = 3600,
    on: date = date(2026, 3, 10),
    billable: bool = True,
    state: str = "approved",
    **values: Any,
) -> TimeEntry:
    start = datetime(on.year, on.month, on.day, 9, 0, tzinfo=UTC)
    values.setdefault("started_at", start)
    values.setdefault("ended_at", start + timedelta(seconds=seconds))
    values.setdefault("non_billable_reason", "" if billable else "Goodwill")
    return _saved(
        TimeEntry(
            company_id=of.id,
            staff_id=by.id,
            work_date=on,
            recorded_seconds=seconds,
            billable_seconds=seconds if billable else 0,
            state=state,
            **values,
        )
    )


def rate(amount: str = "100", *, currency: str = "EUR", start=None, end=None, **values) -> RateRule:
    return _saved(
        RateRule(
            rate=Decimal(amount), currency=currency, valid=Range(start, end, bounds="[)"), **values
        )
    )


def tax(percent: str, *, of: Company, name: str = "VAT", start=None, end=None) -> Tax:
    return _saved(
        Tax(
            name=name,
            percent=Decimal(percent),
            category="S",
            company_id=of.id,
            valid=Range(start, end, bounds="[)"),
        )
    )


def account(payer: Company, currency: str = "EUR", **values: Any) -> BillingAccount:
    return _saved(BillingAccount(payer_id=payer.id, currency=currency, **values))


def set_up_agency(**values: Any) -> None:
    """Make the agency known, so that the first-run page does not stand in the way."""
    db.session.execute(update(Agency).values(name="Fjord & Partners", is_set_up=True, **values))


def user(role: str, *, name: str | None = None) -> User:
    """A person who can sign in with `PASSWORD`, with a row in staff."""
    name = name or f"{role.lower()}{next(_next)}"
    roles = db.session.scalars(select(Role).where(Role.name == role)).all()
    person = _saved(
        User(
            username=name,
            first_name=name.capitalize(),
            last_name="Tester",
            email=f"{name}@agency.example",
            active=True,
            password=PASSWORD_HASH,
            roles=list(roles),
        )
    )
    staff(f"{name.capitalize()} Tester", user_id=person.id, email=person.email)
    return person


def staff_of(person: User) -> Staff:
    """The row in staff of somebody who can sign in."""
    return db.session.scalars(select(Staff).where(Staff.user_id == person.id)).one()
