"""Rules at work: each once for each thing that happened, in order, through the usual commands."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.automation import checks, running
from app.automation import commands as rule_commands
from app.automation import queries as rule_queries
from app.communications import actions
from app.companies.account_models import PortalAccount
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from app.staff.commands import set_members
from app.tickets import bulk, client_commands, commands, sla_queries
from app.tickets.happening_models import Happening
from app.tickets.models import Event, Ticket
from jobs import load_handlers
from tests import factories as make
from tests.automation.making import ADMIN, AGENT, do, on, outcomes, runs, when, where, work
from tests.portal.acting import acting

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def handlers(app):
    load_handlers()
    with unit_of_work():
        make.set_up_agency()


def opened(**values) -> Ticket:
    with unit_of_work():
        company = make.company()
        return commands.open_ticket(actor=AGENT, subject="Help", company_id=company.id, **values)


def test_what_happens_sets_off_the_rule_whose_conditions_hold(app):
    with unit_of_work():
        anna = make.staff("Anna Berg")
        on(when("opened", where("priority", "is", "urgent"), then=[do("assign", staff=anna.id)]))
    calm, urgent = opened(), opened(priority="urgent")
    work()
    db.session.expire_all()
    assert (calm.assignee_id, urgent.assignee_id) == (None, anna.id)
    assert outcomes() == [("give it to Anna Berg", "done")]
    (run,) = runs()
    assert run.checks == [
        {"words": "the priority is urgent", "holds": True, "found": "it is urgent"}
    ]
    told = db.session.scalars(select(Event).where(Event.ticket_id == urgent.id)).one()
    assert told.actor_name == "Fjord & Partners"
    assert (told.payload["rule"], told.payload["rule_run"]) == ("A rule", run.id)


def test_a_job_that_comes_twice_does_nothing_twice(app):
    with unit_of_work():
        on(when("opened", then=[do("note", text="Welcome")]))
    ticket = opened()
    happening_id = db.session.scalars(select(Happening.id)).one()
    for _ in range(2):
        with unit_of_work():
            running.consider(happening_id)
    with unit_of_work():
        db.session.get_one(Happening, happening_id).done_at = None  # as if the mark were lost
    with unit_of_work():
        assert running.consider(happening_id) == 0
    notes = select(func.count()).where(Event.ticket_id == ticket.id, Event.kind == "note")
    assert (len(runs()), db.session.scalar(notes)) == (1, 1)


def test_two_rules_that_face_each_other_act_once_each(app):
    with unit_of_work():
        waiting, open_ = make.status("waiting").id, make.status("open").id
        on(
            when("status_changed", where("category", "is", "open"),
                 then=[do("set_status", status=waiting)]), "There",
        )  # fmt: skip
        on(
            when("status_changed", where("category", "is", "waiting"),
                 then=[do("set_status", status=open_)]), "And back",
        )  # fmt: skip
    ticket = opened()
    with unit_of_work():
        commands.change_status(
            commands.queries.locked(ticket.number), actor=AGENT, status=make.status("open")
        )
    while work():
        pass
    assert [run.rule.name for run in runs()] == ["There", "And back"]
    assert db.session.scalar(select(func.count()).select_from(Happening)) == 1


def test_rules_run_in_order_see_what_those_before_did_and_may_stop_the_rest(app):
    with unit_of_work():
        on(when("opened", then=[do("set_priority", priority="urgent")]), "First")
        on(
            when("opened", where("priority", "is", "urgent"),
                 then=[do("add_tag", tag="hot")], stops=True), "Second",
        )  # fmt: skip
        last = on(when("opened", then=[do("note", text="Never")]), "Third")
    ticket = opened()
    work()
    db.session.expire_all()
    assert (ticket.priority, ticket.tags) == ("urgent", ["hot"])
    assert [run.rule.name for run in runs()] == ["First", "Second"]
    with unit_of_work():
        rule_commands.move(last.id, actor=ADMIN, step=-1)
    opened()
    work()
    assert [run.rule.name for run in runs()][2:] == ["First", "Third", "Second"]


def test_a_client_who_answers_and_rates_is_noticed(app):
    with unit_of_work():
        company = make.company()
        ana = make.contact(company, "Ana")
        on(when("client_replied", where("text", "contains", "CANCEL", "refund"),
                then=[do("add_tag", tag="risk")]), "Replied")  # fmt: skip
        on(when("rated", where("score", "at_most", 2), then=[do("add_tag", tag="sad")]), "Rated")
        number = make.ticket(company, requester_id=ana.id).number
    for text in ("Thanks", "I want a  Refund!"):
        with unit_of_work():
            client_commands.reply_as_contact(
                commands.queries.locked(number), actor=acting(ana), text=text
            )
    with unit_of_work():
        client_commands.solve_as_contact(commands.queries.locked(number), actor=acting(ana))
    with unit_of_work():
        client_commands.rate_as_contact(commands.queries.locked(number), actor=acting(ana), score=1)
    work()
    db.session.expire_all()
    assert commands.queries.locked(number).tags == ["risk", "sad"]
    assert len(runs()) == 2


def test_members_take_turns_and_mails_go_to_staff(app):
    with unit_of_work():
        team = make.department("Support")
        people = [make.staff(name, email=f"{name}@x.example") for name in ("ann", "bob")]
        set_members(team, actor=ADMIN, staff_ids=[each.id for each in people])
        on(
            when("opened", then=[
                do("round_robin", department=team.id),
                do("notify_assignee", text="Yours now"),
                do("notify_department", department=team.id, text="Look"),
            ])
        )  # fmt: skip
    first, second = opened(), opened()
    work()
    db.session.expire_all()
    assert {first.assignee_id, second.assignee_id} == {each.id for each in people}
    mails = db.session.scalars(select(Mail).order_by(Mail.id)).all()
    assert [mail.subject.partition(" ")[0] for mail in mails] == ["Notification:"] * 6
    assert sorted({mail.recipient for mail in mails}) == ["ann@x.example", "bob@x.example"]
    for part in (mails[0].body, mails[0].html):
        assert f"/rules/runs/{runs()[0].id}" in part
        assert f"/tickets/{first.number}" in part
        assert first.company.name in part


def test_the_requester_is_asked_formally(app):
    with unit_of_work():
        company = make.company()
        ana = make.contact(company, "Ana")
        on(when("opened", then=[do("ask", asked="approve", text="May we begin?", days=3)]))
        ticket = commands.open_ticket(
            actor=AGENT, subject="New site", company_id=company.id, requester_id=ana.id
        )
    nobody = opened()
    work()
    db.session.expire_all()
    assert ticket.category == "waiting"
    mail = db.session.scalars(select(Mail)).one()
    assert mail.subject.startswith("ACTION:")
    assert "A rule" not in mail.body
    assert nobody.category == "new"
    assert [run.state for run in runs()] == ["done", "failed"]


def test_who_cannot_answer_is_not_asked_and_the_rest_is_done(app):
    with unit_of_work():
        company = make.company()
        ana, bo, cy = (make.contact(company, name) for name in ("Ana", "Bo", "Cy"))
        db.session.add(PortalAccount(contact_id=ana.id, closed_at=clock.now()))
        bo.archived_at = clock.now()
        db.session.delete(cy.emails[0])
        numbers = [make.ticket(company, requester_id=each.id).number for each in (ana, bo, cy)]
        ask = do("ask", asked="fill", text="Does it work?", days=3)
        on(when("priority_changed", then=[ask, do("add_tag", tag="asked")]))
    for number in numbers:
        with unit_of_work():
            commands.change_fields(
                commands.queries.locked(number), actor=AGENT, changes={"priority": "high"}
            )
    work()
    reasons = [run.outcomes[0]["reason"] for run in runs()]
    assert reasons == [
        "the requester's access to the portal was taken away.",
        "the requester is archived.",
        "the requester has no e-mail address.",
    ]
    assert [commands.queries.locked(number).tags for number in numbers] == [["asked"]] * 3
    with pytest.raises(RuleError, match="access to the portal was taken away"):
        actions.ask(
            commands.queries.locked(numbers[0]),
            actor=of_staff(),
            kind="fill",
            contact_id=ana.id,
            text="Does it work?",
            due_on=clock.today("UTC") + timedelta(days=3),
        )
    db.session.rollback()


def test_who_may_not_sign_in_any_more_is_given_and_mailed_nothing(app):
    with unit_of_work():
        user = make.user("Agent", name="anna")
        anna = make.staff_of(user)
        deeds = [do("assign", staff=anna.id), do("notify_staff", staff=anna.id, text="Look")]
        made = on(when("opened", then=[*deeds, do("notify_assignee", text="Yours")]))
    ticket = opened(assignee_id=anna.id)
    with unit_of_work():
        user.active = False
    work()
    db.session.expire_all()
    reasons = [each["reason"] for each in runs()[0].outcomes]
    assert reasons == ["Anna Tester may not sign in any more."] * 3
    assert ticket.assignee_id == anna.id
    assert db.session.scalars(select(Mail)).all() == []
    definition = rule_queries.current(made.id).definition
    (problem, *_) = checks.broken(definition, rule_queries.names([definition]))
    assert "Anna Tester may not sign in any more; choose another person" in problem


def test_what_fails_is_told_and_the_fifth_failure_switches_the_rule_off(app):
    with unit_of_work():
        anna = make.staff("Anna Berg")
        author = make.user("Manager")
        made = rule_commands.save(
            actor=Actor(user_id=author.id, name="Mia"),
            name="To Anna",
            definition=when("opened", then=[do("assign", staff=anna.id), do("add_tag", tag="new")]),
        )
        rule_commands.switch(made.id, actor=ADMIN, on=True)
    with unit_of_work():
        anna.archived_at = clock.now()
    tickets = [opened() for _ in range(6)]
    work()
    db.session.expire_all()
    assert [each.tags for each in tickets] == [["new"]] * 5 + [[]]
    assert not made.is_on
    assert "Anna Berg is archived" in made.off_reason
    note = db.session.scalars(
        select(Event).where(Event.ticket_id == tickets[0].id, Event.kind == "note")
    ).one()
    assert "give it to Anna Berg: Anna Berg is archived." in note.payload["text"]
    mail = db.session.scalars(select(Mail)).one()
    assert (mail.recipient, "switched off" in mail.subject) == (author.email, True)


def test_bulk_changes_and_warnings_are_noticed_imports_and_the_demo_are_not(app):
    with unit_of_work():
        anna = make.staff("Anna")
        on(when("assigned", where("assignee", "filled"), then=[do("add_tag", tag="given")]))
        company = make.company()
        ids = [make.ticket(company).id for _ in range(3)]
    with unit_of_work():
        bulk.assign_many(ids, actor=AGENT, assignee_id=anna.id)
    with unit_of_work():
        ticket = make.ticket(company)
        commands.change_fields(
            ticket, actor=Actor(channel="demo"), changes={"assignee_id": anna.id}
        )
    work()
    assert sorted(run.ticket_id for run in runs()) == ids


def test_nothing_is_written_down_while_no_rule_waits(app):
    with unit_of_work():
        made = rule_commands.save(
            actor=ADMIN, name="Off", definition=when("opened", then=[do("note", text="x")])
        )
    opened()
    assert not made.is_on
    assert db.session.scalar(select(func.count()).select_from(Happening)) == 0


def test_a_wait_strikes_once_and_only_what_began_after_the_rule_was_on(app):
    with unit_of_work():
        company = make.company()
        ana = make.contact(company)
        old = make.ticket(company, requester_id=ana.id).number
        fresh = make.ticket(company, requester_id=ana.id).number
        answered = make.ticket(company, requester_id=ana.id).number
    wrote = clock.now() - timedelta(hours=30)

    def say(number, at):
        with clock.frozen(at), unit_of_work():
            client_commands.reply_as_contact(
                commands.queries.locked(number), actor=acting(ana), text="Anybody?"
            )

    say(old, wrote - timedelta(hours=40))
    with clock.frozen(wrote), unit_of_work():
        on(
            when("waited", settings={"hours": 24, "since": "client"},
                 then=[do("set_priority", priority="high"), do("note", text="24 hours")])
        )  # fmt: skip
    say(fresh, wrote + timedelta(minutes=5))
    say(answered, wrote + timedelta(minutes=5))
    with clock.frozen(wrote + timedelta(hours=2)), unit_of_work():
        commands.reply(commands.queries.locked(answered), actor=of_staff(), text="Yes")
    for _ in range(3):
        jobs.run(jobs_post("rules.strike"))
        work()
    db.session.expire_all()
    assert [run.ticket.number for run in runs()] == [fresh]
    with clock.frozen(clock.now() + timedelta(hours=60)):
        jobs.run(jobs_post("rules.strike"))
        work()
    assert [run.ticket.number for run in runs()] == [fresh]


@pytest.mark.parametrize("since", ["client", "activity"])
def test_a_machine_that_answers_begins_no_wait(app, since):
    with unit_of_work():
        company = make.company()
        ana = make.contact(company)
        number = make.ticket(company, requester_id=ana.id).number
        ask = do("ask", asked="fill", text="Does it work now?", days=3)
        with clock.frozen(clock.now() - timedelta(hours=90)):
            on(when("waited", settings={"hours": 24, "since": since}, then=[ask]))
    with clock.frozen(clock.now() - timedelta(hours=60)), unit_of_work():
        client_commands.reply_as_contact(
            commands.queries.locked(number), actor=acting(ana), text="I am away.", reopens=False
        )
    jobs.run(jobs_post("rules.strike"))
    work()
    assert runs() == []


def test_what_is_due_when_a_waiting_rule_is_saved_strikes_all_the_same(app):
    start = clock.now() - timedelta(hours=90)
    definition = when(
        "waited", settings={"hours": 24, "since": "client"}, then=[do("note", text="x")]
    )
    with unit_of_work():
        company = make.company()
        ana = make.contact(company)
        number = make.ticket(company, requester_id=ana.id).number
        with clock.frozen(start):
            made = on(definition)
    with clock.frozen(start + timedelta(hours=1)), unit_of_work():
        client_commands.reply_as_contact(
            commands.queries.locked(number), actor=acting(ana), text="Anybody?"
        )
    with clock.frozen(start + timedelta(hours=20)):
        jobs.run(jobs_post("rules.strike"))
    with clock.frozen(start + timedelta(hours=30)), unit_of_work():
        rule_commands.save(actor=ADMIN, name="Renamed", definition=definition, rule_id=made.id)
    jobs.run(jobs_post("rules.strike"))
    work()
    assert [run.ticket.number for run in runs()] == [number]


def of_staff():
    return Actor(name="Bo", staff_id=make.staff("Bo Berg").id, channel="web")


def jobs_post(kind: str) -> int:
    with unit_of_work():
        return jobs.post(kind)


def test_a_rule_that_solves_a_ticket_stops_its_clocks_and_tells_the_client(app):
    with unit_of_work():
        make.policy(is_default=True)
        company = make.company()
        ana = make.contact(company)
        number = make.ticket(company, requester_id=ana.id).number
        resolved = make.status("resolved").id
        on(when("client_replied", where("subject", "contains", "printer"),
                then=[do("set_status", status=resolved)]))  # fmt: skip
    with unit_of_work():
        client_commands.reply_as_contact(
            commands.queries.locked(number), actor=acting(ana), text="Thanks, done"
        )
    work()
    db.session.expire_all()
    ticket = commands.queries.locked(number)
    assert ticket.category == "resolved"
    assert [each.state for each in sla_queries.clocks_of(ticket.id) if each.ended_at is None] == []
    assert db.session.scalars(select(Mail.recipient)).all() == [ana.emails[0].address]
