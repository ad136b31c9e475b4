"""An agency and a client who write Greek: whatever is in Latin letters is then a word of ours."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app.communications import actions
from app.companies.account_models import PortalAccount
from app.companies.models import Contact
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.models import Agency
from app.core.pseudo import PSEUDO
from app.estimates import commands as estimates
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.tickets import client_commands, commands, drafts, logins, request_types
from app.tickets.commands import Upload
from app.tickets.intake import Condition, Field
from app.tickets.models import Attachment, Ticket
from app.tickets.request_models import RequestType
from app.vault.sealing import Secret
from tests import factories as make
from tests.portal.acting import acting

STAFF = Actor(name="Άννα", channel="web")


@dataclass
class Greek:
    """One client with a request on which all there is has happened, another that is closed."""

    mira: Contact
    ticket: Ticket
    closed: Ticket
    attachment_id: int
    credential_id: int
    action_id: int
    estimate_id: int
    offer_id: int
    document_id: int = 0


def greek() -> Greek:
    """All of it, saved by the caller; she and a colleague read the pseudo language."""
    make.set_up_agency()
    db.session.execute(update(Agency).values(name="Φιόρδ", address="", email=None))
    company = make.company("Βορράς", billing_street="Οδός", billing_country="GR")
    make.company("Νότος", parent_id=company.id)
    mira = make.contact(company, "Μίρα", role="manager")
    bo = make.contact(company, "Μπο")
    for contact in (mira, bo):
        db.session.add(PortalAccount(contact_id=contact.id, epoch=1))
        contact.language = PSEUDO
    db.session.flush()
    db.session.execute(update(RequestType).values(archived_at=clock.now()))
    kind = _kind()
    ticket = client_commands.open_request(
        actor=acting(mira),
        subject="Θέμα",
        text="Κείμενο",
        files=[Upload("α.png", b"\x89PNG\r\n\x1a\n1")],
        notify=[bo.id],
    )
    ticket.request_type_id = kind.id
    commands.reply(ticket, actor=STAFF, text="Απάντηση")
    ticket.due_at = clock.now() + timedelta(days=2)
    ticket.assignee_id = make.staff("Άννα").id
    login = logins.hand_over(
        ticket, actor=acting(mira), label="Κλειδί", url="", secret=Secret("α", "β")
    )
    make.tax("19", of=company, name="ΦΠΑ")
    for minor in (10_000, 9_000):
        lines = [Line(1, "fixed", "Έργο", minor)]
        due = clock.today() + timedelta(days=9)
        estimates.save_draft(ticket, actor=STAFF, lines=lines, note="Ναι", valid_until=due)
        estimates.send(ticket, actor=STAFF, contact_id=mira.id)
    for what in ("approve", "choose", "upload", "fill", "confirm"):
        asked = actions.ask(
            ticket,
            actor=STAFF,
            kind=what,
            contact_id=mira.id,
            text="Ερώτηση",
            due_on=clock.today() + timedelta(days=3),
            options=("Άλφα", "Βήτα"),
        )
    closed = client_commands.open_request(actor=acting(mira), subject="Τέλος", text="Ναι")
    client_commands.solve_as_contact(closed, actor=acting(mira))
    drafts.save(mira.id, {"subject": "Αρχή", "type": str(kind.id)})
    file = db.session.query(Attachment).join(Attachment.event).filter_by(ticket_id=ticket.id).one()
    offer = db.session.scalars(select(Estimate).where(Estimate.state == "sent")).one()
    return Greek(mira, ticket, closed, file.id, login.id, asked.id, offer.id, offer.action_id)


def _kind() -> RequestType:
    """A kind of request with a question of each sort."""
    kind = request_types.create_type(
        actor=STAFF, values={"name": "Είδος", "help": "", "next_text": "", "is_public": True}
    )
    only = Condition("a", ("Ένα",))
    few, many = ("Ένα", "Δύο"), tuple("ΑΒΓΔΕΖ")
    sorts = ("long", "date", "number", "file", "secret")
    fields = (
        Field("a", "choice", "Πόσα", options=few, required=True),
        Field("b", "choice", "Ποιο", options=many, visible_if=only),
        Field("c", "text", "Γιατί", required_if=only),
        *(
            Field(each, each, f"Κάτι {letter}")
            for letter, each in zip(many[1:], sorts, strict=True)
        ),
    )
    request_types.save_fields(kind.id, actor=STAFF, fields=fields)
    return kind
