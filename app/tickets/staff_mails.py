"""Mails to staff about a ticket that nobody wrote: of a rule, a promise, an estimate used up."""

from dataclasses import dataclass

from flask import current_app

from app.core import language, mail
from app.tickets import mailtext, notifications
from app.tickets.models import Ticket
from app.vault.recognising import concealed


@dataclass(frozen=True, slots=True)
class Told:
    """What such a mail says. Under it stands `foot`, with the address of a `path` of the desk.

    `key` tells one occasion from another; `event_id` is the entry of the timeline about it.
    """

    subject: str
    text: str
    foot: str
    path: str
    key: str
    event_id: int | None = None


def letter(ticket: Ticket, told: Told, *, name: str, address: str, agency: str) -> mail.Letter:
    """The mail to one of the staff, in both parts: what is told, of which ticket, and whose it is.

    What looks like a password in it is not told.
    """
    base = current_app.extensions["settings"].public_url.rstrip("/")
    about = concealed(ticket.subject)
    whose = [ticket.company.name, ticket.requester.name if ticket.requester else ""]
    page = mailtext.Page(
        subject=told.subject,
        body="{message}\n\n{ticket}",
        values={
            "ticket": f"#{ticket.number} {about}\n{', '.join(filter(None, whose))}\n"
            f"{base}/tickets/{ticket.number}"
        },
        message=concealed(told.text),
        above=False,
        foot=told.foot,
        link=f"{base}{told.path}",
    )
    with language.reading(language.ENGLISH):
        written = mail.Letter(
            word="Notification",
            subject=f"{told.subject}: {about}",
            body=mailtext.plain(page),
            html=mailtext.html(page),
            recipient=address,
            recipient_name=name,
            dedupe_key=f"{told.key}:{address}"[:200],
            about=(notifications.ABOUT, ticket.id),
            event_id=told.event_id,
        )
    thread = mail.Thread(ticket.number, notifications.root_id(ticket))
    return mail.stamped(written, thread, agency=agency)
