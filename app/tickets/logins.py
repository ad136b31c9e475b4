"""Logins of clients as a ticket knows them: handed over, opened, removed; told on the timeline.

The timeline names a login and who did what with it, never what it holds.
"""

from app.core.audit import Actor
from app.core.db import db
from app.core.words import kept_beside, say
from app.tickets import merged, timeline
from app.tickets.models import Ticket
from app.vault import commands
from app.vault.models import Credential
from app.vault.sealing import Secret


def hand_over(ticket: Ticket, *, actor: Actor, label: str, url: str, secret: Secret) -> Credential:
    """Keep a login with a ticket, for its company. Raises `RuleError`, also for a merged one."""
    merged.ensure_goes_on(ticket, actor=actor)
    found = commands.keep(
        actor=actor,
        company_id=ticket.company_id,
        ticket_id=ticket.id,
        label=label,
        url=url,
        secret=secret,
    )
    _tell(ticket, actor, say("handed over the login “%(label)s”", label=found.label))
    return found


def open_login(credential: Credential, *, actor: Actor, reason: str) -> Secret:
    """What the login is; audited, and told on the ticket it came with. Raises `RuleError`."""
    found = commands.reveal(credential, actor=actor, reason=reason)
    said = say("opened the login “%(label)s”", label=credential.label)
    _tell_its_ticket(credential, actor, said, reason.strip())
    return found


def remove_login(credential: Credential, *, actor: Actor) -> None:
    """Erase a login; twice is once."""
    if credential.removed_at is None:
        commands.remove(credential, actor=actor)
        said = say("removed the login “%(label)s”", label=credential.label)
        _tell_its_ticket(credential, actor, said)


def _tell_its_ticket(credential: Credential, actor: Actor, text: str, reason: str = "") -> None:
    if credential.ticket_id is not None:
        ticket = db.session.get_one(Ticket, credential.ticket_id)
        if ticket.company_id == credential.company_id:
            _tell(ticket, actor, text, reason)


def _tell(ticket: Ticket, actor: Actor, text: str, reason: str = "") -> None:
    timeline.append(
        ticket,
        actor=actor,
        kind="login",
        payload={"text": text, "reason": reason, **kept_beside(text=text)},
        visibility="client",
        contact_id=actor.contact_id,
    )
