"""Saying whose an unknown sender is, once their mail has become a ticket."""

from app.communications import queries
from app.companies.commands import company_of
from app.companies.models import BY_MAIL, Company
from app.companies.people import contact_of, join_company, leave_company
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import db
from app.core.errors import RuleError
from app.tickets.queries import tickets_of_requester
from app.timelog.commands import move_loose_time, move_ticket
from app.vault import queries as vault
from app.vault.commands import give


def waits(contact_id: int | None) -> bool:
    """Whether a sender still has only the company that stands for them."""
    return contact_id is not None and _stand_in(contact_id) is not None


def place_sender(received_id: int, *, company_id: int, actor: Actor) -> Company:
    """Make the sender of a mail a member of a company; tickets, unbilled time and logins go along.

    The company that stood for them is archived. Raises `RuleError` when there is none, or time of
    a ticket is billed.
    """
    found = queries.locked(received_id)
    queries.lock_words(found.sender)  # a mail of theirs that is decided now is waited for
    if found.contact_id is None or (stand_in := _stand_in(found.contact_id)) is None:
        raise RuleError("The sender has a company already: change it on the contact's page.")
    company = company_of(company_id)
    if company.id == stand_in.id:
        raise RuleError(f"{company.name} only stands for the sender: choose where they belong.")
    if company.archived_at is not None:
        raise RuleError(f"{company.name} is archived: choose another company or restore it first.")
    contact = contact_of(found.contact_id)
    if all(each.company_id != company.id for each in contact.memberships):
        join_company(actor, contact, company.id, role="requester")
    for ticket in tickets_of_requester(contact.id, stand_in.id):
        if ticket.merged_into_id is None:  # one that was merged goes with the other
            move_ticket(ticket, actor=actor, company_id=company.id)
    move_loose_time(from_id=stand_in.id, company_id=company.id)
    for login in vault.all_of(stand_in.id):
        give(login, actor=actor, company_id=company.id)
    for each in list(contact.memberships):
        if each.company_id == stand_in.id:
            leave_company(actor, contact, each.id)
    stand_in.archived_at = now()
    db.session.flush()
    return company


def _stand_in(contact_id: int) -> Company | None:
    contact = contact_of(contact_id)
    companies = [each.company for each in contact.memberships]
    return next(
        (each for each in companies if each.source == BY_MAIL and each.archived_at is None), None
    )
