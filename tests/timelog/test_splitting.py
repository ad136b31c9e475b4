"""Part of a ticket becomes a ticket of its own; what is billed stays."""

import pytest
from sqlalchemy import func, select

from app.billing.commands.entries import write_off
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.tickets import commands, joining, subscribing
from app.tickets.commands import Upload
from app.tickets.models import Event, Subscription
from app.tickets.queue_models import TicketLink
from app.timelog import splitting
from app.timelog.commands import log_time
from app.timelog.models import TimeEntry
from app.timelog.rules import Work
from tests import factories as make


@pytest.fixture
def world(app):
    """A ticket with a message and its file, a note, and two hours of time."""
    company = make.company("Fjord")
    asker = make.contact(company, "Bo")
    ada = make.staff("Ada")
    ticket = make.ticket(company, "Two things", requester_id=asker.id)
    actor = Actor(name="Ada", staff_id=ada.id)
    commands.reply(ticket, actor=actor, text="About the printer", files=[Upload("a.txt", b"a")])
    commands.add_note(ticket, actor=actor, text="Only for us")
    entries = [
        log_time(
            Work(seconds=3600, description=f"Work {n}"),
            actor=actor,
            staff_id=ada.id,
            ticket_id=ticket.id,
        )
        for n in range(2)
    ]
    return ticket, actor, entries


def seqs(ticket, *kinds):
    return {event.seq for event in splitting.choices(ticket.id) if event.kind in kinds}


def seconds_of(ticket):
    total = select(func.sum(TimeEntry.recorded_seconds)).where(TimeEntry.ticket_id == ticket.id)
    return db.session.scalar(total) or 0


def test_what_was_said_is_copied_with_its_files_and_stays_where_it_was(world):
    ticket, actor, _ = world
    before = db.session.scalar(select(func.count()).where(Event.ticket_id == ticket.id))
    chosen = seqs(ticket, "message", "note")
    made = splitting.split(ticket, actor=actor, subject="Printer", seqs=chosen).ticket
    assert (made.company_id, made.requester_id) == (ticket.company_id, ticket.requester_id)
    copies = list(splitting.choices(made.id))
    assert [(event.kind, event.visibility, event.payload["text"]) for event in copies] == [
        ("message", "client", "About the printer"),
        ("note", "internal", "Only for us"),
    ]
    assert {event.payload["copied_from"]["seq"] for event in copies} == chosen
    (copy,) = copies[0].attachments
    (first,) = splitting.choices(ticket.id)[0].attachments
    assert (copy.name, copy.file_id) == (first.name, first.file_id)
    assert copy.id != first.id
    after = db.session.scalar(select(func.count()).where(Event.ticket_id == ticket.id))
    assert after == before + 2, "told where it went, and linked"
    assert db.session.scalars(select(TicketLink)).one().other_id == made.id


def test_who_followed_follows_what_is_split_off(world):
    ticket, actor, _ = world
    cy, di = make.contact(ticket.company, "Cy"), make.contact(ticket.company, "Di")
    for each in (cy, di):
        subscribing.ensure_subscribed(ticket, contact_id=each.id, source="colleague")
    subscribing.mute(ticket, contact_id=di.id, muted=True)
    chosen = seqs(ticket, "message")
    made = splitting.split(ticket, actor=actor, subject="Printer", seqs=chosen).ticket
    found = db.session.scalars(select(Subscription).where(Subscription.ticket_id == made.id))
    assert {each.contact_id: bool(each.muted_at) for each in found} == {cy.id: False, di.id: True}


def test_chosen_time_moves_and_the_sum_stays(world):
    ticket, actor, _ = world
    chosen = {min(seqs(ticket, "time"))}
    done = splitting.split(ticket, actor=actor, subject="Printer", seqs=chosen)
    assert (done.moved_seconds, done.stayed) == (3600, 0)
    assert (seconds_of(ticket), seconds_of(done.ticket)) == (3600, 3600)


def test_time_that_is_billed_or_written_off_stays(world):
    ticket, actor, (held, _) = world
    write_off(actor, [held.id], reason="Goodwill")
    chosen = seqs(ticket, "time")
    done = splitting.split(ticket, actor=actor, subject="Printer", seqs=chosen)
    assert (done.moved_seconds, done.stayed) == (3600, 1)
    assert db.session.get_one(TimeEntry, held.id).ticket_id == ticket.id


@pytest.mark.parametrize(("subject", "chosen"), [("S", set()), ("S", {99}), ("", {1})])
def test_nothing_chosen_or_no_subject_is_refused(world, subject, chosen):
    ticket, actor, _ = world
    with pytest.raises(RuleError):
        splitting.split(ticket, actor=actor, subject=subject, seqs=chosen)


def test_status_of_a_merged_ticket_stays(world):
    ticket, actor, _ = world
    into = make.ticket(ticket.company, "The other")
    joining.merge(ticket, into, actor=actor)
    with pytest.raises(RuleError, match="go on there"):
        commands.change_status(ticket, actor=actor, status=make.status("open"))
