"""Asking a client for something, and what became of it, as the tests of it need them."""

from datetime import timedelta

from sqlalchemy import select

from app.communications import action_links, actions
from app.communications.action_models import ActionRequest
from app.companies.models import ContactEmail
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets.models import Ticket

BEGINNINGS = ("ACTION: ", "Notification: ")


def asked(world, **changes) -> ActionRequest:
    wanted = {
        "kind": "approve",
        "contact_id": world["mira"].id,
        "text": "Is this the logo you want?",
        "due_on": clock.today("Europe/Berlin") + timedelta(days=3),
    }
    with unit_of_work():
        ticket = db.session.get_one(Ticket, world["ticket"].id, with_for_update=True)
        return actions.ask(ticket, actor=world["ada"], **(wanted | changes))


def secret_of(action_id: int, contact_id: int) -> str:
    return action_links.secret(action_id, contact_id, address_of(contact_id))


def address_of(contact_id: int) -> str:
    primary = ContactEmail.is_primary
    query = select(ContactEmail.address).where(ContactEmail.contact_id == contact_id, primary)
    return db.session.scalars(query).one()


def link(action: ActionRequest) -> str:
    return f"/portal/action/{secret_of(action.id, action.contact_id)}"


def ticket_of(action: ActionRequest) -> int:
    db.session.rollback()
    return db.session.scalars(select(Ticket.number).where(Ticket.id == action.ticket_id)).one()


def mails(**where) -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).filter_by(**where).order_by(Mail.id)))


def now_is(action: ActionRequest) -> ActionRequest:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ActionRequest, action.id)


def reminders() -> list[Mail]:
    return [row for row in mails() if "Reminder" in row.subject]
