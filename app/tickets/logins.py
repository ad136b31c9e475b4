"""Logins of clients as a ticket knows them: handed over, moved out of messages, opened, removed.

The timeline tells of it. It names a login and who did what with it, never what it holds.
"""

from dataclasses import dataclass

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import kept_beside, say
from app.tickets import merged, timeline
from app.tickets.models import Event, Ticket
from app.tickets.queries import belongs
from app.vault import commands, queries, rules
from app.vault.models import Credential
from app.vault.recognising import passwords_in
from app.vault.rules import LONGEST_PART
from app.vault.sealing import Secret

MOST_MOVED = 20


@dataclass(frozen=True, slots=True)
class Typed:
    """A login as it was typed beside an answer."""

    label: str
    url: str
    secret: Secret

    @property
    def is_empty(self) -> bool:
        secret = self.secret
        return not any(
            (self.label.strip(), self.url.strip(), secret.user, secret.secret, secret.note)
        )

    @property
    def problems(self) -> list[str]:
        """What is wrong with it, each said of its field of the form: login-label, login-url."""
        parts = (self.secret.user, self.secret.secret, self.secret.note)
        found = rules.problems_of(self.label, self.url, parts)
        return [each.at(f"login-{each.field}") for each in found]


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


def move_to_vault(event: Event, *, actor: Actor) -> int:
    """Put what looks like a password in a message into the vault, and hide it there.

    Each becomes a login of who wrote it, with its whole line as its note. The ticket is held.
    Returns how many. Raises `RuleError` where there is none (any more), or more than a few. Notes
    among staff stay as they are: the client, whose the login would be, may not read what they say.
    """
    if not event.holds_password:
        raise RuleError(say("There is no password in this message any more."))
    ticket, found = event.ticket, passwords_in(event.payload["text"])
    if len(found) > MOST_MOVED:
        raise RuleError(
            say(
                "%(number)s lines look like passwords, and %(most)s are moved at once: hand them"
                " over as logins instead.",
                number=len(found),
                most=MOST_MOVED,
            )
        )
    for each in found:
        made = commands.keep(
            actor=actor,
            company_id=ticket.company_id,
            ticket_id=ticket.id,
            label=f"{each.label} (#{ticket.number})",
            secret=Secret("", each.secret, each.line[:LONGEST_PART]),
        )
        made.contact_id, made.given_by = event.contact_id, event.actor_name
        said = say("moved “%(label)s” from a message into the vault", label=made.label)
        _tell(ticket, actor, said)
    timeline.conceal(event)
    return len(found)


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


def go_along(ticket: Ticket, *, actor: Actor) -> None:
    """Let the logins that came with a ticket be those of its new company.

    Of one who does not belong there it stays: nobody else is to see what they handed over.
    """
    for each in queries.of_ticket(ticket.id):
        if each.contact_id is None or belongs(each.contact_id, ticket.company_id):
            commands.give(each, actor=actor, company_id=ticket.company_id)


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
