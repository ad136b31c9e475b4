"""Writing a mail where it belongs: as a message, as a new ticket, as a note about it."""

import re
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select, update

from app.communications import forwarding, headers, queries
from app.communications.automatic import Bounce
from app.communications.matching import Target
from app.communications.models import Received
from app.communications.parse import Parsed
from app.communications.replytext import split
from app.communications.senders import Known, client_forwarded, company_for, contact_for
from app.companies.models import Contact, ContactEmail
from app.companies.visibility import people_near
from app.core import clock, storage
from app.core.audit import SYSTEM, Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.public_links import masked
from app.staff.models import Staff
from app.tickets import assigning, client_commands, commands, merged, rules, timeline
from app.tickets.commands import Upload
from app.tickets.models import Event, Ticket
from app.tickets.subscribing import ensure_subscribed
from app.vault.recognising import concealed

CHANNEL = "mail"
MOST_RECIPIENTS = 50
MOST_FILES = 50
LONGEST_HELD = 1000
LONGEST_REASON = 250
SAFE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>")
NO_TEXT = "(This mail holds no text.)"
NO_SUBJECT = "(no subject)"
boxes = headers.mailboxes


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a mail went."""

    ticket: Ticket
    event_id: int | None
    contact_id: int | None
    is_new: bool


def safe_id(message_id: str | None) -> str | None:
    """A Message-ID that may stand in headers of ours, else None."""
    return message_id if message_id and SAFE_ID.fullmatch(message_id) else None


def store_files(parsed: Parsed) -> None:
    """Put the bytes of a mail's files on disk, before the transaction that may name them.

    What is not named in the end is swept like all that nobody names. Raises `RuleError`.
    """
    for upload in _files(parsed)[0]:
        storage.write(upload.content)


def file(found: Received, parsed: Parsed, target: Target | None, known: Known) -> Filed:
    """Write a mail on its ticket, or open a new one. Raises `RuleError` when a rule refuses.

    `known` is whose the sender's address is.
    """
    if target is None:
        return _open(found, parsed, known)
    # it may have been merged since it was decided where the mail goes
    ticket = merged.held(target.ticket_id)
    if known.staff is not None and not target.takes_part:
        return _by_staff(ticket, known.staff, found, parsed)
    return _by_contact(ticket, found, parsed, known)


def _by_staff(ticket: Ticket, staff: Staff, found: Received, parsed: Parsed) -> Filed:
    text, more, files = _content(found, parsed)
    actor = Actor(name=staff.name, staff_id=staff.id, user_id=staff.user_id, channel=CHANNEL)
    event = commands.reply(ticket, actor=actor, text=text, files=files, more=more)
    if assigning.is_for_who_answers(ticket):
        commands.take(ticket, actor=actor)
    return Filed(ticket, event.id, None, is_new=False)


def _by_contact(ticket: Ticket, found: Received, parsed: Parsed, known: Known) -> Filed:
    contact = contact_for(parsed.sender, known.contact)
    text, more, files = _content(found, parsed)
    answered = client_commands.reply_as_contact(
        ticket,
        actor=_actor(contact),
        text=text,
        files=files,
        more=more,
        reopens=not parsed.automatic,
    )
    return Filed(answered.ticket, answered.event.id, contact.id, answered.is_new)


def _open(found: Received, parsed: Parsed, known: Known) -> Filed:
    sender, subject, contact = parsed.sender, parsed.subject, known.contact
    is_staff = known.staff is not None and contact is None
    if is_staff:
        original = client_forwarded(parsed, known)
        if original is None:
            raise RuleError(
                "Staff wrote it, and it names no client: open a ticket by hand instead."
            )
        sender, subject = original, forwarding.plain_subject(subject)
        contact = queries.contact_by_address(sender.address)
    contact = contact_for(sender, contact)
    text, more, files = _content(found, parsed, whole=is_staff)
    ticket = client_commands.open_request(
        actor=_actor(contact),
        company_id=company_for(contact, sender),
        subject=rules.clean_line(subject)[: rules.LONGEST_SUBJECT] or NO_SUBJECT,
        text=text,
        files=files,
        department_id=found.mailbox.department_id if found.mailbox else None,
        origin=CHANNEL,
        more=more,
        acknowledges=not parsed.automatic,
        mail_root=safe_id(parsed.message_id),
    )
    _let_colleagues_follow(ticket, parsed)
    event_id = db.session.scalar(
        select(Event.id).where(Event.ticket_id == ticket.id).order_by(Event.seq).limit(1)
    )
    return Filed(ticket, event_id, contact.id, is_new=True)


def _actor(contact: Contact) -> Actor:
    return Actor(name=contact.name, contact_id=contact.id, channel=CHANNEL)


def _content(
    found: Received, parsed: Parsed, *, whole: bool = False
) -> tuple[str, dict[str, Any], list[Upload]]:
    """Text, the rest of the payload, and the files of a mail, as far as a timeline takes them.

    Colleagues read it, so a link of ours that is quoted loses its secret.
    """
    said = masked(parsed.text)
    parts = split(said)
    visible = said.strip() if whole else parts.visible
    hidden = () if whole else parts.hidden
    files, left_out = _files(parsed)
    text = visible or ("" if files else NO_TEXT)
    if len(text) > rules.LONGEST_TEXT - LONGEST_HELD:
        text = text[: rules.LONGEST_TEXT - LONGEST_HELD]
        left_out.append("the rest of the text")
    if left_out:
        text = f"{text}\n\n[Not shown here, but kept in the raw mail: {', '.join(left_out)}]"
    more: dict[str, Any] = {"received": found.id}
    if hidden:
        more["hidden"] = [
            {"rule": each.rule, "text": each.text[: rules.LONGEST_TEXT]} for each in hidden
        ]
    if found.message_id:
        more["message_id"] = found.message_id
    return text.strip(), more, files


def _files(parsed: Parsed) -> tuple[list[Upload], list[str]]:
    files: list[Upload] = []
    left_out: list[str] = []
    for part in parsed.attachments:
        if not part.content:
            continue
        if len(part.content) > rules.LARGEST_FILE or len(files) >= MOST_FILES:
            left_out.append(rules.file_name(part.name)[:100])
            continue
        files.append(Upload(part.name, part.content, part.media_type))
    return files, left_out[:20]


def _let_colleagues_follow(ticket: Ticket, parsed: Parsed) -> None:
    """Who got a copy and is a colleague with access to the portal follows the ticket."""
    copied = {box.address for box in (*parsed.to, *parsed.cc)[:MOST_RECIPIENTS]}
    known = queries.contacts_among(copied)
    if not known:
        return
    near = people_near(ticket.company_id).where(Contact.id.in_(known))
    for contact_id in sorted(set(db.session.scalars(near)) - {ticket.requester_id}):
        ensure_subscribed(ticket, contact_id=contact_id, source="cc")


def note_held_back(found: Received, parsed: Parsed, target: Target) -> None:
    """Tell staff on the ticket that a mail to it waits for them; clients never see it."""
    ticket = db.session.get_one(Ticket, target.ticket_id)
    who = f"{found.sender_name} <{found.sender}>".strip()
    text = (
        f"A mail of {who} is held back, as its sender has no proven part in this ticket. "
        f"It says:\n\n{concealed(split(masked(parsed.text)).visible[:LONGEST_HELD])}"
    )
    timeline.append(
        ticket,
        actor=replace(SYSTEM, name="Mail", channel=CHANNEL),
        kind="note",
        payload={"text": text, "received": found.id, "is_held_back": True},
    )


def note_accepted(ticket: Ticket, found: Received, *, actor: Actor) -> None:
    """Tell staff on the ticket who let a mail in that its sender may not have written."""
    timeline.append(
        ticket,
        actor=actor,
        kind="note",
        payload={
            "text": f"I accepted a mail that says it is of {found.sender}, though our mail server"
            " does not vouch for that.",
            "received": found.id,
        },
    )


def mark_bounced(parsed: Parsed) -> None:
    """Write on the mail that came back, and on its address, that it did; forged reports do nothing.

    Only a report that names a mail of ours and its recipient counts.
    """
    report = parsed.bounce
    if report is None or not report.is_final or report.original_id is None:
        return
    sent = queries.sent_mail(report.original_id)
    if sent is None or sent.state not in {"sent", "kept"}:
        return
    failed = {address.lower() for address in report.recipients}
    if failed and sent.recipient.lower() not in failed:
        return
    sent.state = "bounced"
    sent.reason = _reason(report)
    db.session.execute(
        update(ContactEmail)
        .where(ContactEmail.address == sent.recipient)
        .values(bounced_at=clock.now(), bounce_reason=sent.reason)
        .execution_options(synchronize_session=False)
    )


def _reason(report: Bounce) -> str:
    """Why a mail came back, as the other side put it."""
    said = rules.clean_line(report.said)[:LONGEST_REASON]
    if report.status not in said:
        said = f"{report.status} {said}"
    return f"The other side said: {said.strip()}" if said.strip() else "The other side refused it."
