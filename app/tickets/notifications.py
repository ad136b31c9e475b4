"""What the mails about tickets say and to whom they go; posted in the transaction they tell of.

One row a recipient in their language, never the author, never an internal note, never what looks
like a password. Of demo tickets only what somebody writes by hand is mailed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select

from app.companies import queries as people
from app.core import clock, language, mail, replytokens
from app.core.addresses import never_reads
from app.core.audit import Actor
from app.core.db import db
from app.core.models import Agency
from app.core.words import Value, say
from app.tickets import mail_queries as queries
from app.tickets import mailtemplates, mailtext, undoing, visibility
from app.tickets.mail_queries import Reader
from app.tickets.models import Event, Ticket
from app.vault.recognising import concealed

ABOUT = "ticket"
DEMO = "demo"
MOST_ACKNOWLEDGED = 5
BY_MAIL = "mail"  # how a ticket came
LARGEST_ATTACHED = 10 * 1024 * 1024
QUIET = timedelta(seconds=10)
SEE_IT = say("See it and decline without signing in; to approve this much, sign in first:")
WAYS = {
    (True, False): say("Answer this mail, or look at the request in the portal:"),
    (True, True): say("Answer this mail, or look at the request and stop its mails in the portal:"),
    (False, False): say("See the request, and answer, in the portal:"),
    (False, True): say("See the request, answer it, and stop its mails in the portal:"),
}
"""How one goes on, by whether answers by mail are read, and whether one merely follows."""
CALLED = {
    "new": say("Received"),
    "open": say("In progress"),
    "waiting": say("Waiting for you"),
    "resolved": say("Solved"),
    "completed": say("Completed"),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something to be mailed: its kind of mail, the entry it tells of, and who wrote it.

    `values` stand in its words before those of the ticket; `message` in place of what the entry
    says. With a `button` the link in the text is drawn as one of this name; `signs_in` where that
    link is not enough to approve what is asked. `path` is what the mail leads clients to in place
    of the ticket, where it is for people who may not see that.
    """

    kind: str
    ticket: Ticket
    event: Event | None = None
    author: str = ""
    key: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    message: str = ""
    button: str = ""
    signs_in: bool = False
    path: str = ""


def staff_replied(ticket: Ticket, event: Event, *, actor: Actor) -> int:
    """Tell the client's people what staff wrote; returns how many mails are new."""
    if _is_silent(event, actor):
        return 0
    occasion = Occasion("answered", ticket, event, event.actor_name)
    return post(occasion, queries.contacts_of(ticket))


def staff_opened(ticket: Ticket, event: Event, *, actor: Actor) -> int:
    """Tell the client's people what staff opened a ticket with; returns how many mails are new."""
    if actor.staff_id is None or _is_silent(event, actor):
        return 0
    occasion = Occasion("opened", ticket, event, event.actor_name)
    return post(occasion, queries.contacts_of(ticket))


def contact_wrote(ticket: Ticket, event: Event, *, actor: Actor) -> int:
    """Tell the colleagues who follow, and the staff who work on it, what a contact wrote."""
    if _is_silent(event, actor):
        return 0
    told = tell_colleagues(ticket, event, actor=actor)
    if staff := queries.staff_of(ticket):
        values = {"company": queries.place_of(event.contact_id, ticket)}
        told += post(Occasion("told_staff", ticket, event, event.actor_name, values=values), staff)
    return told


def tell_colleagues(ticket: Ticket, event: Event, *, actor: Actor) -> int:
    """Tell the colleagues who follow what a contact wrote; returns how many mails are new."""
    if _is_silent(event, actor):
        return 0
    colleagues = [
        reader for reader in queries.contacts_of(ticket) if reader.contact_id != event.contact_id
    ]
    return post(Occasion("colleague", ticket, event, event.actor_name), colleagues)


def request_opened(ticket: Ticket, *, actor: Actor) -> int:
    """Acknowledge a request to who made it, once; of those that came by mail, few an hour.

    Two programs that answer each other's mails fall silent so; who signs in is no such program.
    """
    if actor.channel == DEMO or ticket.is_demo:
        return 0
    since = clock.now() - timedelta(hours=1)
    readers = [
        reader
        for reader in queries.requester_of(ticket)
        if not never_reads(reader.address)
        and (
            ticket.origin != BY_MAIL
            or queries.acknowledged_since(reader.address, since, origin=BY_MAIL) < MOST_ACKNOWLEDGED
        )
    ]
    key = f"{queries.ACKNOWLEDGED}{ticket.id}"
    return post(Occasion("acknowledged", ticket, key=key), readers)


def added(ticket: Ticket, contact_ids: Collection[int], *, actor: Actor) -> int:
    """Tell contacts, once, who added them to a request and how its mails are stopped."""
    if actor.channel == DEMO or ticket.is_demo or not contact_ids:
        return 0
    wanted = set(contact_ids) - {actor.contact_id}
    readers = [each for each in queries.contacts_of(ticket) if each.contact_id in wanted]
    occasion = Occasion("added", ticket, author=actor.name, key=f"added:{ticket.id}")
    return post(occasion, readers)


def solved(ticket: Ticket, event: Event, *, actor: Actor) -> int:
    """Tell the client's people that staff are done, unless the answer just sent says so."""
    by_us = actor.staff_id is not None or bool(actor.rule)
    if actor.channel == DEMO or ticket.is_demo or not by_us or _said_with_it(event, actor):
        return 0
    return post(Occasion("solved", ticket, event, actor.name), queries.contacts_of(ticket))


def _said_with_it(event: Event, actor: Actor) -> bool:
    """Whether who closed it wrote just before, or while a closing of many could be undone."""
    if actor.staff_id is None:
        return False
    lately = select(Event.id).where(
        Event.ticket_id == event.ticket_id,
        Event.kind == "message",
        Event.staff_id == actor.staff_id,
        Event.at > event.at - QUIET,
        Event.at <= event.at + undoing.OVER,
    )
    return db.session.scalar(lately.limit(1)) is not None


def root_id(ticket: Ticket) -> str:
    """The Message-ID under which mail programs gather the mails of a ticket."""
    settings = current_app.extensions["settings"]
    host = urlsplit(settings.public_url).hostname or "localhost"
    mark = mail.instance_mark()[:12]
    return ticket.mail_root or f"<ticket-{ticket.number}-{mark}@{host}>"


def reply_address(ticket: Ticket) -> str:
    """Where answers on a ticket are read: of its department, else of the desk; may be empty."""
    configured: str = current_app.extensions["settings"].mail_reply_to
    return configured or queries.mailbox_address(ticket.department_id) or ""


def _is_silent(event: Event, actor: Actor) -> bool:
    return actor.channel == DEMO or event.kind != "message" or event.visibility != "client"


def post(occasion: Occasion, readers: Sequence[Reader]) -> int:
    """Post the mails of an occasion, one a reader; returns how many are new.

    Who does not see the ticket gets nothing that was said on it before, and no link to it.
    """
    if not readers:
        return 0
    agency = db.session.scalars(select(Agency)).one()
    subject, body = queries.template(occasion.kind)
    history = [
        replace(each, text=concealed(each.text))
        for each in queries.said_before(occasion.ticket, occasion.event, mailtext.MOST_QUOTED)
    ]
    thread = mail.Thread(
        occasion.ticket.number,
        root_id(occasion.ticket),
        queries.answered_id(occasion.ticket),
        reply_address(occasion.ticket),
    )
    known = people.readings_of(reader.contact_id for reader in readers)
    asked = {reader.contact_id for reader in readers if reader.contact_id and not reader.sees}
    seeing = visibility.who_see(occasion.ticket, asked)
    letters = []
    for reader in readers:
        usual = people.Reading(language.ENGLISH, reader.zone or agency.zone)
        reads = known.get(reader.contact_id, usual)
        with language.reading(reads.language):
            words = language.told(subject), language.told(body)
            sees = reader.sees or reader.contact_id is None or reader.contact_id in seeing
            said = mailtext.Past(history if sees else (), reads.zone)
            leads_in = reads.comes_in and (sees or occasion.path != "")
            whom = replace(reader, comes_in=leads_in)
            letters.append(_letter(occasion, whom, agency, words, said, thread))
    return mail.post(letters)


def _letter(
    occasion: Occasion,
    reader: Reader,
    agency: Agency,
    words: tuple[str, str],
    past: mailtext.Past,
    thread: mail.Thread,
) -> mail.Letter:
    ticket, event = occasion.ticket, occasion.event
    values = _values(occasion, reader, agency)
    base = thread.reply_to
    template = mailtemplates.TEMPLATES[occasion.kind]
    by_portal = ticket.department is not None and ticket.department.reply_mode == "portal"
    by_mail = bool(base) and not by_portal and template.word != "ACTION"
    files = list(event.attachments) if event is not None else []
    attached = files if sum(each.file.size for each in files) <= LARGEST_ATTACHED else []
    said = event.payload.get("text", "") if event is not None else ""
    body = words[1] if values["link"] else mailtemplates.without_link(words[1])
    if values["link"]:
        foot = _foot(occasion, reader, answers_by_mail=by_mail, has_link="{link}" in body)
    else:
        foot = _foot_without_portal(agency, answers_by_mail=by_mail)
    page = mailtext.Page(
        subject=mailtemplates.filled(words[0], values),
        body=body,
        values=values,
        message=concealed(language.told(occasion.message) or said),
        button=occasion.button,
        link=values["link"],
        above=by_mail,
        foot=foot,
        files=[each.name for each in files],
        past=past,
    )
    key = occasion.key or f"{occasion.kind}:{event.id if event else ticket.id}"
    letter = mail.Letter(
        word=template.word,
        subject=page.subject,
        body=mailtext.plain(page),
        html=mailtext.html(page),
        recipient=reader.address,
        recipient_name=reader.name,
        dedupe_key=f"{key}:{reader.address}"[:200],
        attachments=tuple({"name": each.name, "file_id": each.file_id} for each in attached),
        about=(ABOUT, ticket.id),
        event_id=event.id if event is not None else None,
    )
    token = replytokens.ReplyToken(ticket.number, reader.contact_id, reader.staff_id)
    answers = replytokens.address(base, token) if base else ""
    return mail.stamped(letter, replace(thread, reply_to=answers), agency=agency.name)


def _values(occasion: Occasion, reader: Reader, agency: Agency) -> dict[str, str]:
    """What stands in the words of a mail, in the language that is read.

    The link is empty for who would only find a door that does not open.
    """
    ticket = occasion.ticket
    public = current_app.extensions["settings"].public_url.rstrip("/")
    path = occasion.path or f"/portal/requests/{ticket.number}"
    if reader.staff_id:
        path = f"/tickets/{ticket.number}"
    return {
        "number": str(ticket.number),
        "subject": concealed(ticket.subject),
        "company": ticket.company.name,
        "requester": ticket.requester.name if ticket.requester else "",
        "recipient": reader.name,
        "author": occasion.author,
        "status": _status(ticket, reader),
        "agency": agency.name,
        "link": f"{public}{path}" if reader.comes_in else "",
        **{
            name: concealed(str(language.telling(value))) for name, value in occasion.values.items()
        },
    }


def _status(ticket: Ticket, reader: Reader) -> str:
    """What the portal calls the state of a request; staff read the name that the desk gave it."""
    if reader.staff_id is not None:
        return ticket.status.name
    word = language.told(CALLED[ticket.status.category])
    return word[:1].lower() + word[1:]  # it stands within a sentence


def _foot(occasion: Occasion, reader: Reader, *, answers_by_mail: bool, has_link: bool) -> str:
    if mailtemplates.TEMPLATES[occasion.kind].word == "ACTION":
        if occasion.signs_in:
            return mailtext.YOURS_TO_SEE if has_link else SEE_IT
        return mailtext.YOURS if has_link else say("Answer with one button, without signing in:")
    if reader.staff_id is not None:
        return "" if has_link else "On the desk:"
    follows = not occasion.path and reader.contact_id != occasion.ticket.requester_id
    return WAYS[answers_by_mail, follows]


def _foot_without_portal(agency: Agency, *, answers_by_mail: bool) -> str:
    """How somebody who does not come in at the portal answers."""
    if answers_by_mail:
        return say("Answer this mail.")
    ways = [agency.email or "", *agency.address.splitlines()]
    where = ", ".join(each.strip() for each in ways if each.strip()) or agency.name
    return say("You have no access to our portal. Write to us: %(where)s", where=where)
