"""Company A, and company B of which A must learn nothing: each text of B carries a mark."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import String, Text, text
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.exc import SQLAlchemyError

from app.communications import actions
from app.companies import accounts, domains, registrations
from app.companies.models import Contact
from app.core import clock
from app.core.db import Model, db, unit_of_work
from app.core.errors import RuleError
from app.estimates import commands as estimates
from app.estimates import papers
from app.estimates.rules import Line
from app.tickets import client_commands, commands, drafts, logins
from app.tickets.models import Attachment, Ticket
from app.vault.sealing import Secret
from tests import factories as make
from tests.billing.issued import issued
from tests.portal.acting import STAFF, acting
from tests.web.people import portal_account

MARK = "zzcanary-"
KEPT = {"hash", "sha256", "password"}  # secrets and keys; nobody is shown them anyway


@dataclass
class Side:
    """One company with its people, a ticket and a file on it, an invoice."""

    company_id: int
    requester: Contact
    manager: Contact
    ticket: Ticket
    attachment_id: int
    action_id: int
    document_id: int
    credential_id: int
    estimate_id: int


def side(name: str, *, file: str = "") -> Side:
    """All that a company can have; `file` is what the file on its ticket says."""
    with unit_of_work():
        company = make.company(name, billing_street="1 Pier Road", notes=name)
        make.company(f"{name} Sales", parent_id=company.id, kind="department")
        requester = make.contact(company, f"{name} Rita")
        manager = make.contact(company, f"{name} Max", role="manager")
    for contact in (requester, manager):
        portal_account(contact)
    with unit_of_work():
        accounts.mail_link(requester.emails[0].address, "sign_in")
        registrations.register(
            email=f"new@{name.lower()}.example", name=name, company_name=name, given={"phone": name}
        )
        domains.add(STAFF, company, f"{name.lower()}.example", verified=True)
        ticket = client_commands.open_request(
            actor=acting(requester),
            subject=f"{name} has a question",
            text=name,
            files=[commands.Upload(f"{name}.txt", (file or name).encode())],
            notify=[manager.id],
        )
        commands.reply(ticket, actor=STAFF, text=name)
        commands.add_note(ticket, actor=STAFF, text=name)
        make.entry(company, by=make.staff(f"Staff for {name}"), ticket_id=ticket.id)
        document = issued(make.account(company))
        attachment = (
            db.session.query(Attachment).join(Attachment.event).filter_by(ticket_id=ticket.id).one()
        )
        drafts.save(requester.id, {"subject": name})
        login = logins.hand_over(
            ticket, actor=acting(requester), label=name, url="", secret=Secret(name, name)
        )
        action = actions.ask(
            ticket,
            actor=STAFF,
            kind="fill",
            contact_id=requester.id,
            text=name,
            due_on=clock.today(),
        )
        estimate_id = offer(ticket, requester, name)
        return Side(
            company.id,
            requester,
            manager,
            ticket,
            attachment.id,
            action.id,
            document.id,
            login.id,
            estimate_id,
        )


def offer(ticket: Ticket, contact: Contact, name: str) -> int:
    """A replaced estimate and a sent one, that says the name wherever it can; the latter's id."""
    make.tax("19", of=ticket.company)
    for amount in (10_000, 9_000):
        estimates.save_draft(
            ticket,
            actor=STAFF,
            lines=[
                Line(1, "fixed", f"{name} work", amount),
                Line(2, "fixed", f"{name} extra", amount, is_optional=True),
            ],
            note=name,
            valid_until=clock.today() + timedelta(days=9),
        )
        sent = estimates.send(ticket, actor=STAFF, contact_id=contact.id)
        papers.file_of(sent)  # else looking at it would store its PDF
    return sent.id


def newest_ids() -> dict[str, int]:
    """The largest id of each table."""
    return {
        table.name: db.session.scalar(text(f"select coalesce(max(id), 0) from {table.name}")) or 0
        for table in Model.metadata.sorted_tables
        if "id" in table.c and table.c.id.type.python_type is int
    }


def mark(since: dict[str, int]) -> set[str]:
    """Put the mark into every text of the rows made since; returns the columns that have it."""
    marked = set()
    db.session.rollback()
    db.session.execute(text("set tallydesk.unlock = 'demo'"))
    for table in Model.metadata.sorted_tables:
        if table.name not in since or table.name.startswith(("ab_", "staff", "department")):
            continue
        for column in table.c:
            if column.name in KEPT or not isinstance(column.type, String | Text | CITEXT | JSONB):
                continue
            if write_mark(table.name, column, since[table.name]):
                marked.add(f"{table.name}.{column.name}")
    db.session.execute(text("reset tallydesk.unlock"))
    db.session.commit()
    db.session.expire_all()
    return marked


def write_mark(table: str, column: Any, since: int) -> bool:
    """Whether the column could take the mark; what may hold only certain words cannot."""
    word = f"'{MARK}' || id || '@b.example'"
    if isinstance(column.type, JSONB):
        marks = f"jsonb_build_object('text', {word}, 'name', {word})"
        name = column.name
        value = f"case jsonb_typeof({name}) when 'object' then {name} || {marks} else {name} end"
    else:
        value = word
    try:
        with db.session.begin_nested():
            done = db.session.execute(
                text(f"update {table} set {column.name} = {value} where id > :since"),
                {"since": since},
            )
            return done.rowcount > 0
    except (SQLAlchemyError, RuleError):
        return False
