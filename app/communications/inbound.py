"""Deciding on a mail that came, and filing it: one transaction, whichever way it came in."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import current_app

from app.communications import (
    authentication,
    filing,
    inbox,
    matching,
    parse,
    queries,
    senders,
)
from app.communications.automatic import INSTANCE
from app.communications.matching import Decision, Facts, Sender, Target
from app.communications.models import Received
from app.communications.parse import Parsed
from app.communications.senders import Known
from app.core import clock, mail, replytokens, storage
from app.core.audit import Actor, record
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.tickets import merged
from app.tickets.models import Ticket
from app.tickets.queries import belongs

UNDECIDED = ("new", "claimed", "failed")
STATES = {"ticket": "done", "reply": "done", "ignored": "ignored", "quarantined": "quarantined"}
Step = Callable[[], AbstractContextManager[Any]]


def take_in(received_id: int, *, step: Step) -> dict[str, Any]:
    """Decide on a stored mail and file it; returns {outcome, ticket, rule}.

    `step` opens a unit of work. Done twice it is done once: what is decided stays. A mail that a
    rule refuses to file is held back with the reason; any other error marks it as failed. Files are
    read and written, and the mail is parsed, outside of any transaction.
    """
    with unit_of_work():
        found = queries.received(received_id)
        if found.state not in UNDECIDED:
            return answer(found)
        sha256, file_id = found.sha256, found.file_id
    parsed = None
    try:
        parsed = parse.parse(storage.content(sha256, file_id=file_id))
        filing.store_files(parsed)
        with step():
            found = queries.locked(received_id)
            _decide(found, parsed)
            return answer(found)
    except RuleError as error:
        with step():
            found = queries.locked(received_id)
            _hold_back(found, parsed, str(error))
            return answer(found)
    except Exception as error:
        with step():
            found = queries.locked(received_id)
            if found.state in UNDECIDED:
                _describe(found, parsed)
                found.state, found.problem = "failed", f"{type(error).__name__}: {error}"[:2000]
        raise


def answer(found: Received) -> dict[str, Any]:
    """What became of a mail, as the command line tells it."""
    number = found.ticket.number if found.ticket else None
    return {"outcome": found.outcome or found.state, "ticket": number, "rule": found.rule}


def accept(received_id: int, *, actor: Actor) -> Ticket:
    """File a mail that was held back or ignored, as staff say that it belongs there.

    Where nobody vouches for its sender, staff read on the ticket who accepted it. Raises
    `RuleError` when it is filed already, or there is no sender to file it under.
    """
    found = queries.locked(received_id)
    if found.state not in inbox.REPLAYABLE:
        raise RuleError(f"Mail {received_id} is filed already.")
    parsed = parse.parse(inbox.raw_of(found))
    _describe(found, parsed)
    known = senders.known_at(parsed.sender.address)
    is_unproved = found.rule in matching.UNPROVED
    decision = _accepted(found, _facts(found, parsed, known), actor)
    record(actor, "received_mail.accept", kind="received_mail", id=received_id)
    ticket = _file(found, parsed, decision, known)
    if is_unproved:
        filing.note_accepted(ticket, found, actor=actor)
    return ticket


def _accepted(found: Received, facts: Facts, actor: Actor) -> Decision:
    """The decision of a person: to the ticket it names, else a new one."""
    if not facts.sender.address:
        raise RuleError("The mail names no sender's address: open a ticket by hand instead.")
    target = next(iter(facts.targets), None)
    step = matching.Step("accepted", f"{actor.name} accepted it.")
    steps = (*(matching.Step(**each) for each in found.steps), step)
    return Decision("reply" if target else "ticket", "accepted", steps, target)


def _decide(found: Received, parsed: Parsed) -> None:
    if found.state not in UNDECIDED:
        return
    _describe(found, parsed)
    queries.lock_words(found.sender, found.message_id or "")
    known = senders.known_at(parsed.sender.address)
    decision = matching.decide(_facts(found, parsed, known))
    if decision.outcome in {"ticket", "reply"}:
        _file(found, parsed, decision, known)
        return
    if decision.rule == "bounce":
        filing.mark_bounced(parsed)
    if decision.rule in {"stranger", "staff-not-proved"} and decision.target is not None:
        filing.note_held_back(found, parsed, decision.target)
    if decision.target is not None:
        found.ticket_id = decision.target.ticket_id
    _write(found, decision)


def _file(found: Received, parsed: Parsed, decision: Decision, known: Known) -> Ticket:
    filed = filing.file(found, parsed, decision.target, known)
    found.ticket, found.event_id = filed.ticket, filed.event_id
    found.contact_id = filed.contact_id
    outcome = "ticket" if filed.is_new else decision.outcome
    _write(found, Decision(outcome, decision.rule, decision.steps, decision.target))
    return filed.ticket


def _write(found: Received, decision: Decision) -> None:
    found.outcome, found.rule = decision.outcome, decision.rule
    found.state, found.problem = STATES[decision.outcome], ""
    found.steps = [asdict(step) for step in decision.steps]
    found.decided_at = clock.now()


def _hold_back(found: Received, parsed: Parsed | None, reason: str) -> None:
    if found.state not in UNDECIDED:
        return
    _describe(found, parsed)
    _write(found, Decision("quarantined", "refused", (matching.Step("refused", reason),)))
    found.problem = reason


def _describe(found: Received, parsed: Parsed | None) -> None:
    """Keep what lists and later decisions ask of a mail, once it could be read."""
    if parsed is None:
        return
    found.sender = parsed.sender.address[:254]
    found.sender_name = parsed.sender.name[:300]
    found.subject = parsed.subject[:300]
    found.sent_at = parsed.date
    found.message_id = filing.safe_id(parsed.message_id)
    content = hashlib.sha256(f"{parsed.sender.address}\n{parsed.subject}\n{parsed.text}".encode())
    for part in parsed.attachments:
        content.update(hashlib.sha256(part.content).digest())
    found.content_hash = content.hexdigest()


def _facts(found: Received, parsed: Parsed, known: Known) -> Facts:
    sender = _sender(parsed, known)
    marks = parsed.automatic
    desks = {value.strip() for value in parsed.headers.get(INSTANCE, ())}
    original = senders.client_forwarded(parsed, known)
    company = None if sender.contact_id else queries.company_of_domain(sender.address)
    targets = _targets(parsed, sender)
    since = clock.now() - timedelta(hours=1)
    around = queries.surroundings(found, parsed.message_id, since)
    return Facts(
        sender=sender,
        marks=marks,
        is_own=mail.instance_mark() in desks or around.is_ours,
        is_of_another_desk=bool(desks),
        from_own_address=sender.address.lower() in around.own,
        is_duplicate=around.is_twin,
        is_bounce=parsed.bounce is not None,
        targets=targets,
        recent=around.recent,
        forwards=original.address if original else "",
        domain_company=company.name if company else "",
    )


def _sender(parsed: Parsed, known: Known) -> Sender:
    address, contact, staff = parsed.sender.address, known.contact, known.staff
    receiver: str = current_app.extensions["settings"].mail_trusted_receiver
    return Sender(
        address=address,
        contact_id=contact.id if contact else None,
        staff_id=staff.id if staff else None,
        is_archived=contact is not None and contact.archived_at is not None,
        verdict=authentication.verdict(parsed.headers, sender=address, receiver=receiver),
        is_single=parsed.senders == 1,
    )


def _targets(parsed: Parsed, sender: Sender) -> tuple[Target, ...]:
    """The tickets that a mail points to, the surest way first, each once."""
    found: dict[int, Target] = {}
    recipients = [box.address for box in (*parsed.to, *parsed.cc)]
    recipients += [
        box.address
        for name in ("delivered-to", "x-original-to")
        for value in parsed.headers.get(name, ())
        for box in filing.boxes(value)
    ]
    for recipient in recipients[: filing.MOST_RECIPIENTS]:
        token = replytokens.read(recipient)
        if token is not None:
            _add(found, queries.ticket_by_number(token.number), "token", sender)
    ids = (*parsed.in_reply_to, *reversed(parsed.references))
    _add(found, queries.ticket_by_ids(ids), "message-id", sender)
    for number in matching.tags(parsed.subject)[:3]:
        _add(found, queries.ticket_by_number(number), "subject", sender)
    return tuple(found.values())


def _add(
    found: dict[int, Target], ticket: Ticket | None, how: matching.How, sender: Sender
) -> None:
    if ticket is None:
        return
    contact_id, named = sender.contact_id, ticket
    ticket = merged.final(ticket)
    if ticket.id in found:
        return
    is_near = contact_id is not None and belongs(contact_id, ticket.company_id)
    takes_part = is_near and any(
        queries.takes_part(each, contact_id) for each in dict.fromkeys((named, ticket))
    )
    found[ticket.id] = Target(
        ticket.id, ticket.number, how, takes_part=takes_part, same_company=is_near
    )
