"""Tickets merged and linked; who sees them afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from app.communications import actions
from app.companies.visibility import viewer_of
from app.core import clock
from app.core.access import Viewer
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.desk.ticket_facts import rail_and_choices
from app.tickets import (
    bulk,
    client_commands,
    commands,
    joining,
    merged,
    queries,
    search_queries,
    subscribing,
)
from app.tickets.models import Event, Subscription, Ticket
from app.tickets.queue_models import TicketLink
from app.tickets.visibility import sees
from app.timelog import queries as timer_queries
from app.timelog import timers
from app.timelog.commands import log_time, move_ticket
from app.timelog.models import Timer
from app.timelog.rules import Work
from tests import factories as make
from tests.waiting import wait_until_waiting, wait_until_waiting_for

ACTOR = Actor(name="Ada")


@pytest.fixture
def fjord(app):
    return make.company("Fjord")


def asked_by(company, name):
    person = make.contact(company, name)
    return person, make.ticket(company, f"Of {name}", requester_id=person.id)


def followers(ticket):
    rows = db.session.scalars(select(Subscription).where(Subscription.ticket_id == ticket.id))
    return {row.contact_id: row.muted_at is not None for row in rows}


def told(ticket):
    rows = db.session.scalars(
        select(Event).where(Event.ticket_id == ticket.id, Event.kind == "field")
    )
    return [(row.payload["changes"][0]["field"], row.payload["changes"][0]["to"]) for row in rows]


def test_a_merged_ticket_closes_keeps_its_number_and_leads_to_the_other(fjord):
    (_, duplicate), (_, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    joining.merge(duplicate, into, actor=ACTOR)
    assert (duplicate.category, duplicate.merged_into_id) == ("completed", into.id)
    assert duplicate.closed_at is not None
    assert merged.final(duplicate) is into
    assert queries.ticket(duplicate.number) is duplicate
    assert told(duplicate) == [("Merged into", f"#{into.number}")]
    assert told(into) == [("Merged from", f"#{duplicate.number}")]


def test_requester_and_followers_come_along_and_who_is_muted_stays_so(fjord):
    (bo, duplicate), (cy, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    quiet = make.contact(fjord, "Di")
    subscribing.ensure_subscribed(duplicate, contact_id=quiet.id, source="colleague")
    subscribing.mute(duplicate, contact_id=quiet.id, muted=True)
    subscribing.ensure_subscribed(duplicate, contact_id=cy.id, source="colleague")
    joining.merge(duplicate, into, actor=ACTOR)
    assert followers(into) == {bo.id: False, quiet.id: True}


def test_a_chain_of_merges_leads_to_its_end(fjord):
    tickets = [asked_by(fjord, name)[1] for name in ("Bo", "Cy", "Di")]
    joining.merge(tickets[0], tickets[1], actor=ACTOR)
    joining.merge(tickets[1], tickets[2], actor=ACTOR)
    first, second, last = (ticket.number for ticket in tickets)
    assert merged.final(tickets[0]) is tickets[2]
    rail, _ = rail_and_choices(tickets[0])
    assert rail.merged_into == last, "the page of the first leads straight to the last"
    rail, _ = rail_and_choices(tickets[2])
    took = [(each["number"], each["by_way_of"]) for each in rail.merged_from]
    assert took == [(first, second), (second, None)]
    viewer = Viewer(kind="staff", id=1)
    hits = search_queries.search(viewer, "Bo")["tickets"].hits
    assert [(hit.number, hit.into) for hit in hits] == [(first, last)]


def test_nothing_is_written_on_a_merged_ticket_but_where_it_goes_on(fjord):
    (bo, duplicate), (_, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    worker = make.staff("Ada")
    actor = Actor(name="Ada", staff_id=worker.id)
    timers.start(staff_id=worker.id, ticket_id=duplicate.id)
    asked = actions.ask(
        duplicate,
        actor=actor,
        kind="approve",
        contact_id=bo.id,
        text="May we?",
        due_on=clock.today() + timedelta(days=3),
    )
    joining.merge(duplicate, into, actor=actor)
    said = duplicate.last_seq
    goes_on = f"#{into.number}: go on there"
    for write in (
        lambda: commands.reply(duplicate, actor=actor, text="Hello"),
        lambda: commands.add_note(duplicate, actor=actor, text="Hm"),
        lambda: commands.change_fields(duplicate, actor=actor, changes={"priority": "high"}),
        lambda: commands.attach(duplicate, actor=actor, files=[]),
        lambda: joining.link(duplicate, into, actor=actor),
        lambda: joining.merge(duplicate, into, actor=actor),
        lambda: subscribing.subscribe(duplicate, actor=actor, source="x", staff_id=worker.id),
        lambda: timers.start(staff_id=worker.id, ticket_id=duplicate.id),
        lambda: log_time(Work(seconds=60), actor=actor, staff_id=worker.id, ticket_id=duplicate.id),
        lambda: move_ticket(duplicate, actor=actor, company_id=make.company("Quay").id),
        lambda: actions.ask(
            duplicate,
            actor=actor,
            kind="approve",
            contact_id=bo.id,
            text="And this?",
            due_on=clock.today() + timedelta(days=3),
        ),
    ):
        with pytest.raises(RuleError, match=goes_on):
            write()
    with pytest.raises(RuleError) as back_again:
        joining.merge(into, duplicate, actor=actor)
    assert list(back_again.value.problems) == [f"#{duplicate.number} is merged into {goes_on}."], (
        "and nothing is said of what to do with it"
    )
    done = bulk.assign_many([duplicate.id, into.id], actor=actor, assignee_id=worker.id)
    assert (done.changed, list(done.skipped)) == (1, [f"#{duplicate.number} is merged"])
    assert duplicate.last_seq == said
    db.session.refresh(asked)
    assert asked.ticket_id == into.id, "what was asked is answered where the ticket goes on"
    [timer] = timer_queries.timers_of(worker.id)
    db.session.execute(update(Timer).values(started_at=clock.now() - timedelta(minutes=9)))
    entry = timers.stop(timer.id, actor=actor, staff_id=worker.id)
    assert entry is not None
    assert entry.ticket_id == into.id, "so is the time of a timer that ran on"


def test_open_work_never_ends_in_a_closed_ticket(fjord):
    (_, duplicate), (_, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    commands.change_status(into, actor=ACTOR, status=queries.first_status("completed"))
    with pytest.raises(RuleError, match=f"#{into.number} is completed, and #{duplicate.number}"):
        joining.merge(duplicate, into, actor=ACTOR)
    commands.change_status(duplicate, actor=ACTOR, status=queries.first_status("resolved"))
    joining.merge(duplicate, into, actor=ACTOR)
    assert merged.final(duplicate) is into


def test_last_words_are_not_lost_on_a_ticket_that_was_merged_meanwhile(fjord):
    (bo, duplicate), (_, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    joining.merge(duplicate, into, actor=ACTOR)
    said = duplicate.last_seq
    client = Actor(name="Bo", contact_id=bo.id, channel="portal")
    with pytest.raises(RuleError, match=f"goes on as #{into.number}: write there"):
        client_commands.solve_as_contact(duplicate, actor=client, text="Solved, and the hall?")
    assert duplicate.last_seq == said


def test_what_may_not_be_merged(fjord):
    (_, one), (_, two) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    (_, strange) = asked_by(make.company("Quay"), "Di")
    with pytest.raises(RuleError, match="into itself"):
        joining.merge(one, one, actor=ACTOR)
    with pytest.raises(RuleError, match="see each other's"):
        joining.merge(one, strange, actor=ACTOR)
    joining.merge(one, two, actor=ACTOR)
    with pytest.raises(RuleError, match=f"#{one.number} is merged"):
        joining.merge(two, one, actor=ACTOR)


def test_links_are_noted_once_on_both_and_taken_away(fjord):
    (_, one), (_, two) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    joining.link(one, two, actor=ACTOR)
    joining.link(two, one, actor=ACTOR)
    assert len(db.session.scalars(select(TicketLink)).all()) == 1
    assert told(one) == [("Linked to", f"#{two.number}")]
    assert told(two) == [("Linked to", f"#{one.number}")]
    joining.unlink(two, one, actor=ACTOR)
    assert not db.session.scalars(select(TicketLink)).all()


@pytest.mark.parametrize("typed", ["", "#", "12a", "-1", "1" * 30, "１２"])
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(RuleError, match="no ticket number"):
        joining.number_of(typed)


def test_both_requesters_see_the_ticket_that_is_left(fjord):
    (bo, duplicate), (cy, into) = asked_by(fjord, "Bo"), asked_by(fjord, "Cy")
    seen = {
        name: select(Ticket.id).where(Ticket.id == into.id, sees(viewer_of(person.id)))
        for name, person in (("Bo", bo), ("Cy", cy))
    }
    assert db.session.scalars(seen["Bo"]).all() == []
    joining.merge(duplicate, into, actor=ACTOR)
    for each in seen.values():
        assert db.session.scalars(each).all() == [into.id]


def test_requests_of_sister_departments_may_become_one_and_both_go_on_seeing_it(fjord):
    sales, store = (
        make.company(name, parent_id=fjord.id, kind="department") for name in ("Sales", "Store")
    )
    (ana, duplicate), (bo, into) = asked_by(sales, "Ana"), asked_by(store, "Bo")
    joining.merge(duplicate, into, actor=ACTOR)
    for person in (ana, bo):
        seen = db.session.scalars(select(Ticket.id).where(sees(viewer_of(person.id))))
        assert into.id in seen.all()


ROW = "select id from ticket where id = :id for update"


def test_who_waits_for_the_end_of_a_merge_holds_nothing_meanwhile(app):
    """Held on the way, the merged ticket would make a deadlock with who takes both by their ids."""
    with unit_of_work():
        company = make.company("Fjord")
        end, first = make.ticket(company, "One"), make.ticket(company, "Other")
        end_id, first_id, end_number = end.id, first.id, end.number

    def follow():
        with app.app_context(), unit_of_work():
            return merged.held(first_id).number

    with db.engine.connect() as other, ThreadPoolExecutor(2) as pool:
        with unit_of_work():
            one, duplicate = queries.locked_by_id([end_id, first_id])
            joining.merge(duplicate, one, actor=ACTOR)
            taking = pool.submit(other.execute, text(ROW), {"id": end_id})
            following = pool.submit(follow)
            wait_until_waiting(2)
        taking.result(30)
        wait_until_waiting_for(other)
        try:
            other.execute(text(f"{ROW} nowait"), {"id": first_id})
        finally:
            other.rollback()
        assert following.result(30) == end_number
