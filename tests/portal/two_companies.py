"""Company A, and company B of which A must learn nothing: each text of B carries a mark."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, String, Text, text
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.exc import SQLAlchemyError

from app.communications import actions, inbox
from app.companies import accounts, domains, registrations
from app.companies.models import Company, Contact
from app.core import clock
from app.core.db import Model, db, unit_of_work
from app.core.errors import RuleError
from app.tickets import client_commands, commands, drafts, logins
from app.tickets.models import Attachment, Ticket
from app.vault.sealing import Secret
from tests import factories as make
from tests.billing.issued import issued
from tests.portal import two_bills
from tests.portal.acting import STAFF, acting
from tests.web.people import portal_account

MARK = "zzcanary-"
KEPT = {"hash", "sha256", "password"}  # secrets and keys; nobody is shown them anyway
WORDS = (String, Text, CITEXT, JSONB, ARRAY)


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
    ids_before: dict[str, int] = field(default_factory=dict)
    """The largest id of each table before this company's rows, and with them."""
    last_ids: dict[str, int] = field(default_factory=dict)


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
        staff = make.staff(f"Staff for {name}")
        entry, _ = (make.entry(company, by=staff, ticket_id=ticket.id) for _ in range(2))
        document = issued(make.account(company))
        attachment = (
            db.session.query(Attachment).join(Attachment.event).filter_by(ticket_id=ticket.id).one()
        )
        drafts.save(requester.id, {"subject": name})
        drafts.add_files(requester.id, [commands.Upload(f"{name}.png", name.encode())])
        rated(company, requester, name)
        two_bills.billed(document, entry, name)
        letter = (
            f"From: {name} <who@{name}.example>\nSubject: {name}\nMessage-ID: <1@{name}>\n\n{name}"
        )
        inbox.store(letter.encode())
        login = logins.hand_over(
            ticket, actor=acting(requester), label=name, url="", secret=Secret(name, name)
        )
        actions.ask(
            ticket,
            actor=STAFF,
            kind="choose",
            contact_id=requester.id,
            text=name,
            due_on=clock.today(),
            options=[f"{name} red", f"{name} blue"],
        )
        action = actions.ask(
            ticket,
            actor=STAFF,
            kind="fill",
            contact_id=requester.id,
            text=name,
            due_on=clock.today(),
        )
        estimate_id = two_bills.offer(ticket, requester, name)
        two_bills.approved(company, requester, name)
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


def rated(company: Company, requester: Contact, name: str) -> None:
    """A request that is completed and rated."""
    closed = make.ticket(
        company, name, category="completed", closed_at=clock.now(), requester_id=requester.id
    )
    client_commands.rate_as_contact(closed, actor=acting(requester), score=4, text=name)


def newest_ids() -> dict[str, int]:
    """The largest id of each table."""
    return {
        table.name: db.session.scalar(text(f"select coalesce(max(id), 0) from {table.name}")) or 0
        for table in Model.metadata.sorted_tables
        if "id" in table.c and table.c.id.type.python_type is int
    }


def mark(since: dict[str, int], name: str) -> set[str]:
    """Put the mark into every text of the rows made since, those within lists and JSON included.

    There it takes the place of the company's `name`, which stands wherever people write. Gives the
    columns, as "table.column", that have the mark now.
    """
    db.session.rollback()
    db.session.execute(text("set tallydesk.unlock = 'demo'"))
    for table in Model.metadata.sorted_tables:
        if table.name not in since or table.name.startswith(("ab_", "staff", "department")):
            continue
        for column in table.c:
            if column.name not in KEPT and isinstance(column.type, WORDS):
                write_mark(table.name, column, since[table.name], name)
    for table in ("company", "contact"):
        word = f"'{MARK}' || id"
        query = f"update {table} set source = {word}, external_id = {word} where id > :since"
        db.session.execute(text(query), {"since": since[table]})
    query = f"update company_domain set domain = '{MARK}' || id || '.example' where id > :since"
    db.session.execute(text(query), {"since": since["company_domain"]})
    db.session.execute(text("reset tallydesk.unlock"))
    db.session.commit()
    db.session.expire_all()
    return marked()


def columns_of_words() -> set[str]:
    """Every column that holds words, as "table.column"."""
    return {
        f"{table.name}.{column.name}"
        for table in Model.metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, WORDS)
    }


def marked() -> set[str]:
    """Those that have the mark somewhere."""
    found = set()
    for each in columns_of_words():
        table, _, column = each.partition(".")
        query = f"select exists (select 1 from {table} where {column}::text like '%{MARK}%')"
        if db.session.scalar(text(query)):
            found.add(each)
    return found


def write_mark(table: str, column: Any, since: int, name: str) -> None:
    """Write the mark where the column can take it; what may hold only certain words cannot."""
    word = f"'{MARK}' || id || '@b.example'"
    value = word
    if isinstance(column.type, ARRAY):
        value = f"array[{word}]"
    elif isinstance(column.type, JSONB):
        marks = f"jsonb_build_object('text', {word}, 'name', {word})"
        value = f"replace({column.name}::text, :name, '{MARK}')::jsonb"
        value += f" || case jsonb_typeof({column.name}) when 'object' then {marks} else '[]' end"
    given = {"name": name} if isinstance(column.type, JSONB) else {}
    statement = f"update {table} set {column.name} = {value} where"
    if tried(f"{statement} id > :since", since=since, **given):
        return
    for row_id in db.session.scalars(text(f"select id from {table} where id > {since}")).all():
        tried(f"{statement} id = :id", id=row_id, **given)


def tried(statement: str, **given: Any) -> bool:
    """Carry out what the database may refuse; whether it took it."""
    try:
        with db.session.begin_nested():
            db.session.execute(text(statement), given)
    except (SQLAlchemyError, RuleError):
        return False
    return True
