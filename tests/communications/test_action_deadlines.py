"""What falls due of requests to clients by itself: reminders, word of what is late, the end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import sqlalchemy as sa
from sqlalchemy import func, select

from app.communications import action_deadlines
from app.communications.action_models import ActionReminder
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.models import Agency, Job
from jobs import load_handlers, schedule
from tests import factories as make
from tests.communications.asking import (
    asked,
    link,
    mails,
    now_is,
    reminders,
)
from tests.web.people import visitor


def test_after_a_pause_one_reminder_is_made_up_for_and_none_after_the_answer(world):
    action = asked(world)
    end = action.due_at
    for hours, expected in ((-72, 0), (-20, 1), (-20, 1), (96, 2), (96, 2)):
        with clock.frozen(end + timedelta(hours=hours)), unit_of_work():
            action_deadlines.remind()
        assert len(reminders()) == expected, hours
    assert reminders()[0].subject.startswith("ACTION: ")
    assert link(action) in reminders()[0].body
    visitor(world["app"]).post(link(action), data={"do": "answer"})
    with clock.frozen(end + timedelta(days=20)), unit_of_work():
        assert action_deadlines.remind() == 0
    assert len(reminders()) == 2


def test_the_managers_and_who_asked_hear_once_that_an_answer_is_late(world):
    action = asked(world)
    with unit_of_work():
        company = action.ticket.company
        boss, away = (make.contact(company, name, role="manager") for name in ("Eva", "Ole"))
        away.archived_at = clock.now()
        addresses = {str(boss.emails[0].address), "ada@agency.example"}
        make.contact(make.company("Rival"), role="manager")
    for days in (-1, 1, 3, 11):
        with clock.frozen(action.due_at + timedelta(days=days, hours=10)), unit_of_work():
            action_deadlines.remind()
    late = [row for row in mails() if not row.subject.startswith("ACTION: ")]
    assert {row.recipient for row in late} == addresses
    assert len(late) == 2
    assert all("has not answered yet" in row.body for row in late)
    assert all(link(action) not in f"{row.body}{row.html}" for row in late)


def test_two_schedulers_and_two_workers_send_a_reminder_once(world):
    action = asked(world)
    with unit_of_work():
        db.session.query(ActionReminder).filter_by(action_id=action.id, step="due").update(
            {"due_at": clock.now() - timedelta(minutes=1)}
        )
    item = [each for each in schedule.EVERY if each.kind == "actions.remind"]
    both = Barrier(2)

    def work(_number: int) -> None:
        with world["app"].app_context():
            both.wait(timeout=10)
            schedule.post_due(item)
            with unit_of_work():
                action_deadlines.remind()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    db.session.rollback()
    posted = select(func.count()).select_from(Job).where(Job.kind == "actions.remind")
    assert db.session.scalar(posted) == 1
    load_handlers()
    jobs.run_due(kinds=("actions.remind",))
    assert len(reminders()) == 1


def test_what_nobody_answers_ends_after_thirty_days_and_the_asker_is_told(world):
    action = asked(world)
    load_handlers()
    with clock.frozen(action.due_at + timedelta(days=31)):
        assert action_deadlines.end_overripe(step=unit_of_work).ended == 1
        assert action_deadlines.end_overripe(step=unit_of_work).ended == 0
    assert now_is(action).state == "expired"
    assert action.ticket.category == "open", "it waits for the client no more"
    assert action.ended_by == db.session.scalars(select(Agency.name)).one()
    [told] = mails(recipient="ada@agency.example")
    assert "did not answer in time" in told.body
    over = visitor(world["app"]).get(link(action))
    assert (over.status_code, "is over" in over.get_data(as_text=True)) == (410, True)


def test_one_that_cannot_be_ended_stands_in_no_others_way_and_is_tried_again(world):
    stuck, other = asked(world), asked(world)
    refuse = """
        create function refuse_it() returns trigger language plpgsql as
        $$ begin raise exception 'not this one'; end $$;
        create trigger refuse_it before update on action_request for each row
        when (old.id = {id}) execute function refuse_it()"""
    with unit_of_work() as session:
        session.execute(sa.text(refuse.format(id=stuck.id)))
    load_handlers()
    with clock.frozen(stuck.due_at + timedelta(days=31)):
        with unit_of_work():
            job_id = jobs.post("actions.remind")
        outcome = jobs.run(job_id)
        assert outcome["expired"] == 1
        failure = outcome["could_not_be_ended"]
        assert f"#{stuck.ticket.number}: " in failure
        assert "not this one" in failure
        assert (now_is(stuck).state, now_is(other).state) == ("asked", "expired")
        with unit_of_work() as session:
            session.execute(sa.text("drop trigger refuse_it on action_request"))
        assert action_deadlines.end_overripe(step=unit_of_work).ended == 1
    assert now_is(stuck).state == "expired"
