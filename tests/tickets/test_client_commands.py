"""What contacts do with tickets, and what of them they see."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.companies.account_models import PortalAccount
from app.companies.models import Contact, Membership
from app.companies.visibility import people_near, viewer_of
from app.core import clock
from app.core.access import scoped
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Mail
from app.tickets import client_commands, commands
from app.tickets.models import Attachment, Event, Rating, Subscription, Ticket
from app.tickets.subscribing import mute, subscribe, unsubscribe
from tests import factories as make

pytestmark = pytest.mark.usefixtures("app")


def acting(contact: Contact) -> Actor:
    return Actor(name=contact.name, channel="portal", contact_id=contact.id)


def with_access(contact: Contact) -> Contact:
    db.session.add(PortalAccount(contact_id=contact.id))
    db.session.flush()
    return contact


@pytest.fixture
def mira():
    return with_access(make.contact(make.company("Northwind Ltd"), "Mira"))


def seen(contact: Contact, model=Ticket) -> set[int]:
    db.session.flush()
    return {row.id for row in db.session.scalars(scoped(model, viewer_of(contact.id)))}


def company_of(contact: Contact) -> int:
    return db.session.scalars(
        select(Membership.company_id).where(Membership.contact_id == contact.id)
    ).one()


def ask(contact: Contact, **values) -> Ticket:
    values = {"subject": "No mail", "text": "Since Monday.", **values}
    return client_commands.open_request(actor=acting(contact), **values)


def test_what_would_go_to_an_archived_department_goes_to_none(mira):
    gone, used = make.department("Projects"), make.department("Support")
    gone.archived_at = clock.now()
    assert ask(mira, department_id=gone.id).department_id is None
    assert ask(mira, department_id=used.id).department_id == used.id


def test_a_request_is_the_contact_s_own_and_its_first_event_too(mira):
    ticket = ask(mira, files=[commands.Upload("a.txt", b"a")], priority="high")
    event = db.session.scalars(select(Event).where(Event.ticket_id == ticket.id)).one()
    assert (ticket.requester_id, ticket.company_id) == (mira.id, company_of(mira))
    assert (ticket.origin, ticket.category, ticket.priority) == ("portal", "new", "high")
    assert (event.contact_id, event.actor_name, event.visibility) == (mira.id, "Mira", "client")
    assert [one.name for one in event.attachments] == ["a.txt"]
    assert seen(mira) == {ticket.id}


def test_every_reason_is_said_at_once(mira):
    with pytest.raises(RuleError) as refused:
        ask(mira, subject=" ", text=" ")
    assert len(refused.value.problems) == 2


def test_nobody_opens_a_request_for_another_company(mira):
    other = make.company("Rival")
    with pytest.raises(RuleError):
        ask(mira, company_id=other.id)


@pytest.mark.parametrize("category", ["waiting", "resolved", "completed"])
def test_an_answer_opens_what_waited_or_was_closed_lately(mira, category):
    ticket = ask(mira)
    commands.set_status(ticket, actor=acting(mira), status=make.status(category))
    answered = client_commands.reply_as_contact(ticket, actor=acting(mira), text="Still so.")
    assert (answered.ticket, answered.is_new, ticket.category) == (ticket, False, "open")
    assert ticket.closed_at is None


def test_an_automatic_mail_opens_nothing(mira):
    ticket = ask(mira)
    commands.set_status(ticket, actor=acting(mira), status=make.status("completed"))
    client_commands.reply_as_contact(ticket, actor=acting(mira), text="I am away.", reopens=False)
    assert ticket.category == "completed"


@pytest.mark.parametrize(("days", "is_new"), [(29, False), (31, True)])
def test_after_the_department_s_days_an_answer_begins_a_ticket_that_follows(mira, days, is_new):
    department = make.department()
    department.reopen_days = 30
    ticket = ask(mira, department_id=department.id)
    commands.set_status(ticket, actor=acting(mira), status=make.status("completed"))
    with clock.frozen(clock.now() + timedelta(days=days)):
        answered = client_commands.reply_as_contact(ticket, actor=acting(mira), text="Again.")
    assert answered.is_new is is_new
    if is_new:
        assert answered.ticket.follows_id == ticket.id
        assert answered.ticket.department_id == department.id
        assert answered.event.payload["text"] == "Again."
        assert ticket.category == "completed"


def test_the_open_ticket_that_follows_a_closed_one_takes_all_its_answers(mira):
    """Of each who sees it, over any number of steps; who no longer follows it gets their own."""
    first = ask(mira)
    bo = with_access(make.contact(first.company, "Bo"))
    subscribe(first, actor=acting(mira), contact_id=bo.id, source="colleague")

    def answered(contact: Contact, to: Ticket = first) -> Ticket:
        return client_commands.reply_as_contact(to, actor=acting(contact), text="Again.").ticket

    commands.set_status(first, actor=acting(mira), status=make.status("completed"))
    with clock.frozen(clock.now() + timedelta(days=31)):
        second = answered(mira)
        assert second.follows_id == first.id
        assert [answered(mira), answered(mira), answered(bo)] == [second, second, second]
        unsubscribe(second, actor=acting(mira), contact_id=bo.id)
        assert answered(bo).follows_id == first.id
        commands.set_status(second, actor=acting(mira), status=make.status("completed"))
    with clock.frozen(clock.now() + timedelta(days=62)):
        third = answered(mira, second)
        assert third.follows_id == second.id
        assert answered(mira) == third
    said = select(Event.id).where(Event.kind == "message")
    counts = [
        len(db.session.scalars(said.where(Event.ticket_id == one.id)).all())
        for one in (second, third)
    ]
    assert counts == [4, 2]


def test_who_asked_or_followed_follows_what_takes_it_up_again_and_is_told(mira):
    first = ask(mira)
    una, bo, ida = (with_access(make.contact(first.company, name)) for name in ("Una", "Bo", "Ida"))
    for contact in (bo, ida):
        subscribe(first, actor=acting(mira), contact_id=contact.id, source="colleague")
    mute(first, contact_id=ida.id, muted=True)
    commands.set_status(first, actor=acting(mira), status=make.status("completed"))
    with clock.frozen(clock.now() + timedelta(days=31)):
        made = client_commands.reply_as_contact(first, actor=acting(una), text="Again.").ticket
    assert made.requester_id == una.id
    assert all(made.id in seen(each) for each in (mira, bo, ida))
    told = select(Mail.recipient).where(
        Mail.about_id == made.id, Mail.dedupe_key.like("colleague:%")
    )
    assert set(db.session.scalars(told)) == {str(each.emails[0].address) for each in (mira, bo)}


def test_solved_then_rated_once(mira):
    ticket = ask(mira)
    with pytest.raises(RuleError, match="not completed"):
        client_commands.rate_as_contact(ticket, actor=acting(mira), score=5)
    client_commands.solve_as_contact(ticket, actor=acting(mira))
    client_commands.rate_as_contact(ticket, actor=acting(mira), score=4, text="Quick.")
    assert db.session.scalars(select(Rating.score)).all() == [4]
    with pytest.raises(RuleError, match="rated already"):
        client_commands.rate_as_contact(ticket, actor=acting(mira), score=1)
    client_commands.reopen_as_contact(ticket, actor=acting(mira))
    assert ticket.category == "open"


def test_followers_see_the_ticket_and_only_colleagues_with_access_can_be_followers(mira):
    ticket = ask(mira)
    here = ticket.company
    bo = with_access(make.contact(here, "Bo"))
    without = make.contact(here, "Cy")
    stranger = with_access(make.contact(make.company("Rival"), "Eve"))
    assert seen(bo) == set()
    subscribe(ticket, actor=acting(mira), contact_id=bo.id, source="colleague")
    assert seen(bo) == {ticket.id}
    for person in (without, stranger):
        with pytest.raises(RuleError, match="Only colleagues"):
            subscribe(ticket, actor=acting(mira), contact_id=person.id, source="colleague")
    unsubscribe(ticket, actor=acting(mira), contact_id=bo.id)
    assert seen(bo) == set()
    with pytest.raises(RuleError, match="no colleague"):
        ask(mira, notify=[bo.id, stranger.id])
    assert seen(bo, Ticket) == set()


def test_a_request_asks_as_much_of_the_database_with_one_colleague_as_with_six(mira, statements):
    here = ask(mira).company
    ids = [with_access(make.contact(here, f"Colleague {number}")).id for number in range(6)]
    asked = []
    for wanted in (ids[:1], ids[:1], ids):
        db.session.flush()
        with statements() as some:
            ticket = ask(mira, subject=f"Request {len(asked)}", notify=wanted)
            db.session.flush()
        asked.append(len(some))
    mailed = db.session.scalars(
        select(Mail.recipient).where(Mail.about_id == ticket.id, Mail.dedupe_key.like("added:%"))
    ).all()
    assert len(mailed) == len(ids)
    assert asked[1] == asked[2]


def test_a_muted_follower_stays_muted_when_copied_again_or_added_anew(mira):
    ticket = ask(mira)
    bo = with_access(make.contact(ticket.company, "Bo"))
    subscribe(ticket, actor=acting(mira), contact_id=bo.id, source="colleague")
    mute(ticket, contact_id=bo.id, muted=True)
    subscribe(ticket, actor=acting(mira), contact_id=bo.id, source="cc")
    assert unsubscribe(ticket, actor=acting(mira), contact_id=bo.id)
    subscribe(ticket, actor=acting(mira), contact_id=bo.id, source="colleague")
    row = db.session.scalars(select(Subscription).where(Subscription.contact_id == bo.id)).one()
    assert row.muted_at is not None
    mute(ticket, contact_id=bo.id, muted=False)
    db.session.refresh(row)
    assert row.muted_at is None


def test_a_manager_sees_the_company_and_all_below_and_nobody_else_s():
    group = make.company("Group", kind="group")
    firm = make.company("Firm", parent_id=group.id)
    sales = make.company("Sales", parent_id=firm.id, kind="department")
    rival = make.company("Rival")
    tickets = {each.name: make.ticket(each).id for each in (group, firm, sales, rival)}
    boss = make.contact(firm, role="manager")
    clerk = make.contact(firm, role="requester")
    assert seen(boss) == {tickets["Firm"], tickets["Sales"]}
    assert seen(clerk) == set()
    assert viewer_of(boss.id).company_ids == {firm.id, sales.id}
    assert viewer_of(clerk.id).near == {group.id, firm.id, sales.id}


def test_sister_departments_are_near_and_sister_companies_are_not():
    group = make.company("Group", kind="group")
    firm, sister = (make.company(name, parent_id=group.id) for name in ("Firm", "Sister"))
    sales, store = (
        make.company(name, parent_id=firm.id, kind="department") for name in ("Sales", "Store")
    )
    ana = with_access(make.contact(sales, "Ana"))
    bo = with_access(make.contact(store, "Bo"))
    eve = with_access(make.contact(sister, "Eve"))
    assert viewer_of(ana.id).near == {group.id, firm.id, sales.id, store.id}
    assert set(db.session.scalars(people_near(sales.id))) == {ana.id, bo.id}
    assert {bo.id} == seen(ana, Contact) - {ana.id}
    assert eve.id not in seen(ana, Contact)


def test_what_ends_or_moves_is_seen_no_more(mira):
    ticket = ask(mira)
    place = db.session.scalars(select(Membership).where(Membership.contact_id == mira.id)).one()
    place.valid_to = clock.today()
    assert seen(mira) == set()
    place.valid_to = None
    assert seen(mira) == {ticket.id}
    ticket.company_id = make.company("Rival").id
    assert seen(mira) == set()
    mira.archived_at = clock.now()
    assert viewer_of(mira.id).near == frozenset()


def test_internal_events_and_their_files_are_never_seen(mira):
    ticket = ask(mira)
    inside = Actor(name="Ann", staff_id=make.staff("Ann").id)
    shown = commands.reply(ticket, actor=inside, text="Done", files=[commands.Upload("b", b"b")])
    commands.add_note(ticket, actor=inside, text="Odd", files=[commands.Upload("c", b"c")])
    commands.attach(ticket, actor=inside, files=[commands.Upload("d", b"d")])
    commands.change_fields(ticket, actor=inside, changes={"priority": "urgent"})
    kinds = set(db.session.scalars(select(Event.kind).where(Event.id.in_(seen(mira, Event)))))
    assert kinds == {"message", "status"}
    assert seen(mira, Attachment) == {one.id for one in shown.attachments}
