"""Clients are mailed of closed tickets once that stands; resolved ones complete by themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Agency, Job, Mail
from app.tickets import bulk, client_commands, closing_mails, commands, completing, queries, undoing
from app.tickets.models import Event, Ticket
from jobs import load_handlers
from tests import factories as make
from tests.automation.making import do, on, when, where, work
from tests.web.people import client_in, person, portal_account, signed_in

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)


@pytest.fixture
def ada(app) -> Actor:
    load_handlers()
    with unit_of_work():
        make.set_up_agency()
        return Actor(name="Ada Berg", staff_id=make.staff("Ada Berg").id, channel="web")


@pytest.fixture
def mira(ada):
    with unit_of_work():
        return make.contact(make.company("Northwind"), "Mira Lund")


def asked(mira, subject: str = "Help", **values) -> Ticket:
    company = mira.memberships[0].company
    return make.ticket(company, subject, requester_id=mira.id, **values)


def close(tickets, actor: Actor, category: str = "resolved") -> int:
    with unit_of_work():
        ids = [each.id for each in tickets]
        done = bulk.set_status_many(ids, actor=actor, status=queries.first_status(category))
    assert done.undo_id is not None
    assert done.told == len(tickets)
    return done.undo_id


def later_mails() -> list[Mail]:
    """The mails after the time to undo is over, by recipient and subject."""
    for job_id in db.session.scalars(select(Job.id).where(Job.kind == closing_mails.TELL)).all():
        jobs.run(job_id)
    return list(db.session.scalars(select(Mail).order_by(Mail.subject)))


def test_closing_many_says_to_each_client_what_closing_one_says(ada, mira):
    with unit_of_work():
        one, *many = (asked(mira, "The same") for _ in range(3))
        commands.change_status(one, actor=ada, status=queries.first_status("resolved"))
    close(many, ada)
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0
    first, job = db.session.scalars(select(Job).where(Job.kind == closing_mails.TELL))
    can_undo_for = timedelta(seconds=undoing.SECONDS) + undoing.SLACK
    assert min(each.due_at - each.created_at for each in (first, job)) > can_undo_for
    told = later_mails()
    numbers = {ticket.id: str(ticket.number) for ticket in (one, *many)}
    assert len({row.subject for row in told}) == 3
    said = {(row.subject + row.body).replace(numbers[row.about_id], "N") for row in told}
    assert len(said) == 1
    assert {row.recipient for row in told} == {str(mira.emails[0].address)}
    jobs.run(job.id)
    assert len(later_mails()) == 3


def test_who_undoes_it_or_takes_it_up_again_is_not_mailed_of_it(ada, mira):
    with unit_of_work():
        undone, reopened, closed_again, stays = tickets = [asked(mira, n) for n in "urcs"]
    undo_id = close(tickets, ada)
    with unit_of_work():
        client_commands.reply_as_contact(
            queries.locked(reopened.number),
            actor=Actor(name="Mira", contact_id=mira.id, channel="portal"),
            text="Not yet",
        )
        commands.change_fields(
            queries.locked(stays.number), actor=ada, changes={"subject": "Stays"}
        )
    with unit_of_work():
        assert undoing.undo(undo_id, actor=ada).restored == 2
    with unit_of_work():
        commands.change_status(
            queries.locked(closed_again.number), actor=ada, status=queries.first_status("resolved")
        )
    solved = [row.about_id for row in later_mails() if row.dedupe_key.startswith("solved:")]
    assert sorted(solved) == sorted([closed_again.id, stays.id])
    assert undone.category == "open"


def test_a_ticket_that_was_answered_in_the_same_breath_is_one_mail(ada, mira):
    with unit_of_work():
        ticket = asked(mira)
        commands.reply(ticket, actor=ada, text="Done.")
    close([ticket], ada)
    assert [row.dedupe_key.partition(":")[0] for row in later_mails()] == ["answered"]


def test_what_was_written_after_the_time_to_undo_keeps_no_mail_back(ada, mira):
    with unit_of_work():
        ticket = asked(mira)
    close([ticket], ada)
    with clock.frozen(clock.now() + undoing.OVER + timedelta(seconds=1)), unit_of_work():
        commands.reply(queries.locked(ticket.number), actor=ada, text="By the way")
    kinds = {row.dedupe_key.partition(":")[0] for row in later_mails()}
    assert kinds == {"answered", "solved"}


def resolve(ticket: Ticket, actor: Actor, days_ago: float) -> None:
    with clock.frozen(clock.now() - timedelta(days=days_ago)), unit_of_work():
        commands.change_status(
            queries.locked(ticket.number), actor=actor, status=queries.first_status("resolved")
        )


def complete() -> int:
    with unit_of_work():
        job_id = jobs.post("tickets.complete")
    done = jobs.run(job_id)
    assert done is not None
    db.session.expire_all()
    return done["tickets"]


def test_a_resolved_ticket_completes_once_and_says_why(app, ada, mira):
    with unit_of_work():
        old, young, answered, demo, merged, still_open = tickets = [
            asked(mira, name) for name in ("old", "young", "answered", "demo", "merged", "open")
        ]
        demo.is_demo, merged.merged_into_id = True, old.id
    for ticket in tickets[:5]:
        if ticket is not merged:
            resolve(ticket, ada, 6 if ticket is young else 8)
    with clock.frozen(clock.now() - 2 * DAY), unit_of_work():
        commands.reply(queries.locked(answered.number), actor=ada, text="By the way")
    with unit_of_work():
        closed_at = queries.locked(old.number).closed_at
        before = db.session.scalar(select(func.count()).select_from(Mail))
    assert [complete(), complete()] == [1, 0]
    said = db.session.scalars(
        select(Event).where(Event.ticket_id == old.id).order_by(Event.seq.desc())
    ).first()
    assert said is not None
    assert (said.actor_name, said.visibility) == ("Fjord & Partners", "client")
    assert said.payload | {"to": "", "from": ""} == {
        "to": "", "from": "", "category": "completed", "reopened": False, "after_days": 7,
    }  # fmt: skip
    assert (old.category, old.closed_at) == ("completed", closed_at)
    assert {each.category for each in (young, answered, demo)} == {"resolved"}
    assert still_open.category == "open"
    assert db.session.scalar(select(func.count()).select_from(Mail)) == before
    portal_account(mira)
    for page in (
        signed_in(app, person("Agent")).get(f"/tickets/{old.number}"),
        client_in(app, mira).get(f"/portal/requests/{old.number}"),
    ):
        assert "after 7 days without an answer" in page.text
    with unit_of_work():
        client_commands.reply_as_contact(
            queries.locked(old.number),
            actor=Actor(name="Mira", contact_id=mira.id, channel="portal"),
            text="It is back",
        )
    assert queries.locked(old.number).category == "open"


def test_the_agency_says_after_how_many_days_or_never(ada, mira):
    with unit_of_work():
        ticket = asked(mira)
        db.session.get_one(Agency, 1).complete_days = 0
    resolve(ticket, ada, 300)
    assert complete() == 0
    with unit_of_work():
        db.session.get_one(Agency, 1).complete_days = 30
    assert complete() == 1


def test_a_department_has_days_of_its_own(app, ada, mira):
    with unit_of_work():
        slow, never = make.department("Slow"), make.department("Never")
        held = [asked(mira, str(n)) for n in range(3)]
        held[0].department_id, held[1].department_id = slow.id, never.id
    boss = signed_in(app, person("Admin"))
    for department, days in ((slow, "30"), (never, "0")):
        form = {"name": department.name, "assign_mode": "manual", "reply_mode": "mail"}
        boss.post(
            f"/departments/edit/{department.id}",
            data=form | {"reopen_days": "14", "complete_days": days},
        )
    for ticket in held:
        resolve(ticket, ada, 20)
    assert complete() == 1
    assert [each.category for each in held] == ["resolved", "resolved", "completed"]
    for ticket in held[:2]:
        with unit_of_work():
            queries.locked(ticket.number).closed_at = clock.now() - 40 * DAY
    with clock.frozen(clock.now() + 15 * DAY):
        assert complete() == 1
    said = db.session.scalars(
        select(Event).where(Event.ticket_id == held[0].id).order_by(Event.seq.desc())
    ).first()
    assert said.payload["after_days"] == 30
    assert held[1].category == "resolved"
    page = boss.get(f"/departments/show/{never.id}").text
    assert "Days to complete" in page
    assert "Never" in page


def test_rules_hear_of_what_completes_but_not_of_history(ada, mira):
    with unit_of_work():
        tag = do("add_tag", tag="done")
        on(when("status_changed", where("category", "is", "completed"), then=[tag]))
        new, old = asked(mira, "new"), asked(mira, "old")
    resolve(new, ada, 7.5)
    resolve(old, ada, 400)
    work()
    assert complete() == 2
    work()
    db.session.expire_all()
    assert (new.tags, old.tags) == (["done"], [])


def test_more_than_fit_into_one_step_are_completed_all_the_same(ada, mira, monkeypatch):
    monkeypatch.setattr(completing, "AT_ONCE", 2)
    with unit_of_work():
        tickets = [asked(mira, str(n)) for n in range(5)]
    for ticket in tickets:
        resolve(ticket, ada, 8)
    assert complete() == 5
    told = select(func.count()).where(Event.payload.has_key("after_days"))
    assert db.session.scalar(told) == 5
