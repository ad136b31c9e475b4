"""Tickets: opening, answering, changing, and a timeline that only grows."""

import pytest
from sqlalchemy import func, select

from app.companies.commands import archive_company
from app.core import storage
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError, StaleError
from app.core.models import AuditLog
from app.desk import queue, ticket_facts
from app.staff import queries as staff_queries
from app.tickets import bulk, commands, joining, queries, timeline
from app.tickets.commands import Upload
from app.tickets.models import Event, Ticket
from tests import factories


@pytest.fixture
def agent(app):
    person = factories.staff("Ada Agent")
    return Actor(name="Ada Agent", staff_id=person.id, channel="web")


@pytest.fixture
def fjord(app):
    return factories.company("Fjord Dental")


def events(ticket):
    return db.session.scalars(
        select(Event).where(Event.ticket_id == ticket.id).order_by(Event.seq)
    ).all()


def test_opening_tells_the_request_and_takes_the_requesters_company(agent, fjord):
    ana = factories.contact(fjord, "Ana")
    with unit_of_work():
        ticket = commands.open_ticket(
            actor=agent, subject=" No\r\nnetwork ", requester_id=ana.id, message="Since nine.\r\n"
        )
    assert ticket.company_id == fjord.id
    assert ticket.subject == "No network"
    assert ticket.category == "new"
    assert [(e.seq, e.kind, e.payload["text"]) for e in events(ticket)] == [
        (1, "message", "Since nine.")
    ]


def test_every_reason_is_told_at_once(agent, fjord):
    other = factories.contact(factories.company("Other"), "Olga")
    with pytest.raises(RuleError) as refused, unit_of_work():
        commands.open_ticket(
            actor=agent,
            subject="  ",
            company_id=fjord.id,
            requester_id=other.id,
            assignee_id=99,
            priority="panic",
        )
    said = " ".join(refused.value.problems)
    assert len(refused.value.problems) == 4
    assert "subject is empty" in said
    assert "Olga does not belong to Fjord Dental" in said
    assert "assignee 99" in said
    assert "panic is no priority" in said
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_who_may_not_sign_in_any_more_is_offered_and_given_no_ticket(agent, fjord):
    user = factories.user("Agent", name="gone")
    gone = factories.staff_of(user)
    ticket = factories.ticket(fjord)

    def offered() -> list[bool]:
        db.session.expire_all()
        lists = (
            queue.choices(queue.Filters(), staff_id=None).staff,
            ticket_facts.rail_and_choices(ticket)[1].staff,
            [(each.id, each.name) for each in staff_queries.working()],
        )
        return [gone.id in dict(each) for each in lists]

    assert offered() == [True] * 3
    with unit_of_work():
        user.active = False
    assert offered() == [False] * 3
    kept = queue.choices(queue.Filters(assignee=gone.id), staff_id=None).staff
    assert gone.id in dict(kept), "an address goes on saying whose tickets it shows"
    with pytest.raises(RuleError, match="may not sign in any more: choose another assignee"):
        commands.change_fields(ticket, actor=agent, changes={"assignee_id": gone.id})
    ticket.assignee_id = gone.id
    db.session.flush()
    assert ticket_facts.rail_and_choices(ticket)[1].staff[-1] == (gone.id, gone.name)
    commands.change_fields(ticket, actor=agent, changes={"priority": "high"})


def test_what_is_open_when_a_company_is_archived_is_worked_on_and_finished(agent, fjord):
    ana, bo = factories.contact(fjord, "Ana"), factories.contact(fjord, "Bo")
    tickets = [factories.ticket(fjord, requester_id=ana.id) for _ in range(3)]
    stranger = factories.contact(factories.company("Other"), "Olga")
    department = factories.department("Support")
    with unit_of_work():
        archive_company(agent, fjord)
    one, other, many = (each.id for each in tickets)
    with unit_of_work():
        ticket = db.session.get_one(Ticket, one)
        changes = {
            "assignee_id": agent.staff_id, "department_id": department.id, "priority": "high",
            "requester_id": bo.id, "subject": "Last things", "tags": ["bye"], "due_at": None,
        }  # fmt: skip
        assert len(commands.change_fields(ticket, actor=agent, changes=changes)) == 6
        commands.add_note(ticket, actor=agent, text="Nearly done.")
        commands.reply(ticket, actor=agent, text="Done.")
        joining.merge(db.session.get_one(Ticket, other), ticket, actor=agent)
        commands.change_status(ticket, actor=agent, status=factories.status("completed"))
    with unit_of_work():
        bulk.assign_many([many], actor=agent, assignee_id=agent.staff_id)
        bulk.set_status_many([many], actor=agent, status=factories.status("resolved"))
    db.session.expire_all()
    assert [db.session.get_one(Ticket, each).category for each in (one, other, many)] == [
        "completed", "completed", "resolved",
    ]  # fmt: skip
    with pytest.raises(RuleError, match="does not belong"), unit_of_work():
        ticket = db.session.get_one(Ticket, many)
        commands.change_fields(ticket, actor=agent, changes={"requester_id": stranger.id})
    with pytest.raises(RuleError, match="archived"), unit_of_work():
        commands.open_ticket(actor=agent, subject="More", company_id=fjord.id)


def test_a_contact_of_the_head_office_may_ask_for_a_site(agent, fjord):
    site = factories.company("Fjord Bergen", parent_id=fjord.id)
    boss = factories.contact(fjord, "Bo")
    ticket = commands.open_ticket(
        actor=agent, subject="Move desks", company_id=site.id, requester_id=boss.id
    )
    assert ticket.requester_id == boss.id


def test_a_reply_opens_a_new_ticket_and_a_note_stays_inside(agent, fjord):
    ticket = factories.ticket(fjord, category="new")
    commands.add_note(ticket, actor=agent, text="Router again?")
    assert ticket.category == "new"
    commands.reply(ticket, actor=agent, text="We are on it.")
    assert ticket.category == "open"
    assert [(e.kind, e.visibility) for e in events(ticket)] == [
        ("note", "internal"),
        ("message", "client"),
        ("status", "client"),
    ]
    assert [e.seq for e in events(ticket)] == [1, 2, 3]


def test_closing_and_reopening_keep_closed_at_true(agent, fjord):
    ticket = factories.ticket(fjord)
    commands.change_status(ticket, actor=agent, status=queries.first_status("resolved"))
    assert ticket.closed_at is not None
    with pytest.raises(RuleError, match="may become open, completed"):
        commands.change_status(ticket, actor=agent, status=queries.first_status("waiting"))
    commands.change_status(ticket, actor=agent, status=queries.first_status("open"))
    assert ticket.closed_at is None
    assert events(ticket)[-1].payload["reopened"] is True


def test_a_stale_save_is_refused_but_an_answer_makes_none(agent, fjord):
    ticket = factories.ticket(fjord)
    seen = ticket.version
    commands.reply(ticket, actor=agent, text="An answer in between.")
    commands.change_fields(ticket, actor=agent, changes={"priority": "high"}, version=seen)
    with pytest.raises(StaleError, match="Somebody else changed"):
        commands.change_fields(ticket, actor=agent, changes={"priority": "low"}, version=seen)
    with pytest.raises(StaleError):
        commands.change_status(
            ticket, actor=agent, status=queries.first_status("waiting"), version=seen
        )


def test_changed_fields_are_told_by_name_and_audited(agent, fjord):
    ticket = factories.ticket(fjord)
    bea = factories.staff("Bea")
    changed = commands.change_fields(
        ticket, actor=agent, changes={"assignee_id": bea.id, "priority": ticket.priority}
    )
    assert changed == {"assignee_id": (None, bea.id)}
    assert events(ticket)[-1].payload["changes"] == [
        {"field": "Assignee", "from": None, "to": "Bea"}
    ]
    line = db.session.scalars(select(AuditLog).where(AuditLog.action == "ticket.change")).one()
    assert line.after == {"assignee_id": bea.id}
    assert commands.change_fields(ticket, actor=agent, changes={"assignee_id": bea.id}) == {}
    assert len(events(ticket)) == 1


def test_files_are_kept_by_content_and_named_for_display(agent, fjord):
    ticket = factories.ticket(fjord)
    event = commands.reply(
        ticket, actor=agent, text="", files=[Upload("../evil<b>.txt", b"hello", "text/html")]
    )
    [attachment] = queries.page_of_events(ticket.id, before=None, most=5)[0].attachments
    assert attachment.name == "evil<b>.txt"
    assert attachment.event_id == event.id
    assert storage.read(attachment.file) == b"hello"
    with pytest.raises(RuleError, match=r"empty.txt is empty"):
        commands.attach(ticket, actor=agent, files=[Upload("empty.txt", b"")])


def test_money_is_told_on_many_tickets_in_one_statement(agent, fjord, statements):
    tickets = [factories.ticket(fjord) for _ in range(30)]
    commands.reply(tickets[0], actor=agent, text="Before")
    notes = [timeline.MoneyNote(t.id, f"Invoiced {t.id}") for t in tickets]
    notes.append(timeline.MoneyNote(tickets[1].id, "And once more"))
    db.session.flush()
    with statements() as seen:
        timeline.note_money_event(notes, actor=agent)
    assert len(seen) == 1
    assert [e.seq for e in events(tickets[0])] == [1, 2]
    assert [(e.seq, e.payload["text"]) for e in events(tickets[1])] == [
        (1, f"Invoiced {tickets[1].id}"),
        (2, "And once more"),
    ]
    assert tickets[1].last_seq == 2


def test_bulk_changes_say_what_was_skipped(agent, fjord):
    done = factories.ticket(fjord, category="completed")
    tickets = [factories.ticket(fjord) for _ in range(3)]
    ids = [t.id for t in (done, *tickets)]
    result = bulk.set_status_many(ids, actor=agent, status=queries.first_status("waiting"))
    assert (result.changed, list(result.skipped)) == (3, [f"#{done.number} is Completed"])
    bea = factories.staff("Bea")
    before = tickets[0].version
    assert bulk.assign_many(ids, actor=agent, assignee_id=bea.id).changed == 4
    assert bulk.assign_many(ids, actor=agent, assignee_id=bea.id).changed == 0
    db.session.expire_all()
    assert tickets[0].assignee_id == bea.id
    assert tickets[0].version == before + 1
    assert [e.kind for e in events(tickets[0])] == ["status", "field"]
    bulk.set_status_many([tickets[0].id], actor=agent, status=queries.first_status("resolved"))
    db.session.expire_all()
    assert tickets[0].closed_at is not None


@pytest.mark.parametrize("count", [3, 30])
def test_tickets_of_history_cost_the_same_statements(agent, fjord, statements, count):
    status = queries.first_status("open")
    past = [
        bulk.PastTicket(
            subject=f"Old {n}",
            company_id=fjord.id,
            status_id=status.id,
            category="open",
            created_at=factories.NOON,
            events=[
                bulk.PastEvent("message", factories.NOON, "Ana", {"text": "Hello"}),
                bulk.PastEvent("note", factories.NOON, "Ada", {"text": "Ask Bo"}),
            ],
        )
        for n in range(count)
    ]
    with statements() as seen:
        ids = bulk.open_many(past, actor=agent)
        db.session.flush()
    assert len(ids) == count
    assert len(seen) == 3
    ticket = db.session.get(Ticket, ids[1])
    assert (ticket.subject, ticket.last_seq) == ("Old 1", 2)
    commands.reply(ticket, actor=agent, text="Now")
    assert [e.seq for e in events(ticket)] == [1, 2, 3]
