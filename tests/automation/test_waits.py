"""Waits by the clock and by business hours: each is over once, and no other timeline is read."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select, text

from app.automation import running, waits
from app.automation.catalogue import SINCE
from app.core import clock
from app.core.db import db, unit_of_work
from app.tickets import client_commands, commands
from app.tickets.bulk import PastEvent, PastTicket, open_many
from app.tickets.models import Ticket
from app.tickets.sla_models import BusinessHours, Holiday, SlaPolicy
from jobs import load_handlers
from tests import factories as make
from tests.automation.making import ADMIN, do, on, runs, when, work
from tests.portal.acting import acting

pytestmark = pytest.mark.usefixtures("app")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def weekdays(**values) -> SlaPolicy:
    """A policy whose calendar is open from Monday to Friday, nine to five (UTC)."""
    policy = make.policy(**values)
    db.session.add_all(
        BusinessHours(calendar_id=policy.calendar_id, weekday=day, opens=540, closes=1020)
        for day in range(1, 5)
    )
    db.session.flush()
    return policy


def told(*moments: tuple[str, datetime]) -> list[PastEvent]:
    """Messages of a client (c) and of staff (s), and time (t), in order."""
    client, staff = db.session.info["people"]
    by = {"c": {"contact_id": client}, "s": {"staff_id": staff}, "t": {"staff_id": staff}}
    return [
        PastEvent("time" if who == "t" else "message", at, "X", {"text": "x"}, **by[who])
        for who, at in moments
    ]


def past(*events: tuple[str, datetime], begun: datetime = MONDAY) -> int:
    company = make.company()
    if "people" not in db.session.info:
        db.session.info["people"] = (make.contact(company).id, make.staff().id)
    status = make.status("open").id
    made = PastTicket("Help", company.id, status, "open", begun, events=told(*events))
    return open_many([made], actor=ADMIN)[0]


@pytest.fixture
def history(app):
    """Some weeks of tickets, written at all hours; `naive` knows when each wait is over."""
    with unit_of_work():
        make.set_up_agency()
        policy = weekdays(is_default=True)
        db.session.add(Holiday(calendar_id=policy.calendar_id, day=date(2026, 3, 5), name="Feast"))
        begun = [MONDAY + n * timedelta(hours=7, minutes=13) for n in range(40)]
        for n, at in enumerate(begun):
            past(("c", at + HOUR), ("t", at + 2 * HOUR), ("s", at + (3 + 2 * n) * HOUR), begun=at)
    yield
    db.session.info.pop("people", None)


def found(settings, begin: datetime, end: datetime) -> list[tuple[int, datetime]]:
    return [(each.ticket_id, each.at) for each in waits.between(settings, begin, end, most=999)[0]]


@pytest.mark.parametrize("counted", ["clock", "business"])
@pytest.mark.parametrize("hours", [1, 20])
def test_every_wait_is_over_in_exactly_one_stretch_of_time(history, counted, hours):
    end = MONDAY + timedelta(days=40)
    for since in SINCE:
        settings = {"since": since, "hours": hours, "counted": counted}
        whole = found(settings, MONDAY, end)
        assert whole, since
        edges = [MONDAY + n * timedelta(hours=33, minutes=20) for n in range(29)] + [end]
        edges += [at for _, at in whole[:3]]  # a wait that is over exactly at an edge
        pieces = [each for a, b in pairwise(sorted(set(edges))) for each in found(settings, a, b)]
        assert sorted(pieces) == sorted(whole), since


def test_business_hours_are_those_of_the_tickets_own_calendar(history):
    client = {"since": "client", "hours": 2, "counted": "business"}
    friday = datetime(2026, 4, 3, 16, tzinfo=UTC)
    with unit_of_work():
        asked = past(("c", friday), begun=friday)
        answered = past(("c", friday), ("s", friday + 64 * HOUR), begun=friday)
        nobodys = past(("c", friday), begun=friday)
        policy = db.session.scalars(select(SlaPolicy)).one()
        policy.is_default = False
        for ticket_id in (asked, answered):
            department = make.department()
            db.session.execute(
                text("insert into sla_choice (department_id, policy_id) values (:one, :policy)"),
                {"one": department.id, "policy": policy.id},
            )
            db.session.execute(
                text("update ticket set department_id = :one where id = :id"),
                {"one": department.id, "id": ticket_id},
            )
    over = waits.between(client, friday, friday + timedelta(days=7), most=99)[0]
    assert [(each.ticket_id, each.at, each.calendar) for each in over] == [
        (nobodys, friday + 2 * HOUR, ""),
        (asked, datetime(2026, 4, 6, 10, tzinfo=UTC), "Usual hours"),
    ]


def test_a_calendar_that_never_opens_never_strikes(history):
    with unit_of_work():
        db.session.execute(text("delete from business_hours"))
    settings = {"since": "opened", "hours": 1, "counted": "business"}
    assert found(settings, MONDAY, MONDAY + timedelta(days=30)) == []


def rows_read(since: str, begin: datetime) -> int:
    """How many entries and tickets the database reads for five minutes of beginnings."""

    def reads(plan) -> int:
        own = 0
        if plan.get("Relation Name") in {"event", "ticket"}:
            own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan[
                "Actual Loops"
            ]
        return int(own) + sum(reads(each) for each in plan.get("Plans", []))

    statement = text(f"explain (analyze, format json) {waits.STATEMENTS[since]}")
    values = {"begin": begin, "end": begin + timedelta(minutes=5), "most": 1000}
    values["wait"] = timedelta(days=30)
    return reads(db.session.execute(statement, values).scalar_one()[0]["Plan"])


NOISE = text("""
insert into event (ticket_id, seq, kind, visibility, at, contact_id, actor_name, payload)
select (cast(:tickets as bigint[]))[1 + n % 40], :first + n, 'message', 'client',
       :since + n * interval '1 minute', :who, 'X', '{}'
from generate_series(1, :many) as n
""")


def test_a_long_wait_reads_the_same_whatever_happened_in_between(history):
    """What others wrote in the thirty days is no work for a rule that waits thirty days."""
    begin = MONDAY + timedelta(days=40)
    with unit_of_work():
        others = list(db.session.scalars(select(Ticket.id).order_by(Ticket.id)))
        for minute in range(3):
            past(("c", begin + timedelta(minutes=minute)), begun=begin - 9 * HOUR)
        who = db.session.info["people"][0]
    read = []
    for first, many in ((1_000, 2_000), (10_000, 20_000)):
        with unit_of_work():
            noise = {"first": first, "many": many, "tickets": others, "who": who}
            db.session.execute(NOISE, noise | {"since": begin + HOUR})
        with unit_of_work():
            db.session.execute(text("analyze event, ticket"))
        with unit_of_work():
            # so few tickets would be read whole; of many the planner takes the index
            db.session.execute(text("set local enable_seqscan = off"))
            read.append([rows_read(since, begin) for since in SINCE])
    assert read[0] == read[1]
    assert max(read[1]) < 20


def test_a_rule_that_waits_by_business_hours_says_by_which(app):
    load_handlers()
    with unit_of_work():
        make.set_up_agency()
        calendar_id = weekdays(is_default=True).calendar_id
        company = make.company()
        ana = make.contact(company)
        number = make.ticket(company, requester_id=ana.id, created_at=MONDAY).number
    friday = datetime(2026, 3, 6, 12, tzinfo=UTC)
    settings = {"hours": 8, "since": "client", "counted": "business"}
    with clock.frozen(friday), unit_of_work():
        on(when("waited", settings=settings, then=[do("note", text="Look")]))
    with clock.frozen(friday + HOUR), unit_of_work():
        client_commands.reply_as_contact(
            commands.queries.locked(number), actor=acting(ana), text="Anybody?"
        )
    for later, expected in ((9, 0), (60, 0), (71.5, 0), (73.5, 1), (80, 1)):
        with clock.frozen(friday + later * HOUR):
            with unit_of_work():
                running.strike()
            work()
        assert len(runs()) == expected, later
    (run,) = runs()
    assert run.happening.at == datetime(2026, 3, 9, 13, tzinfo=UTC)
    assert run.happening.detail["calendar"] == "Usual hours"
    assert datetime.fromisoformat(run.happening.detail["began"]) == friday + HOUR
    with unit_of_work():  # by which the wait is over a day later, once more
        db.session.add(Holiday(calendar_id=calendar_id, day=date(2026, 3, 9), name="Feast"))
    with clock.frozen(friday + 100 * HOUR):
        with unit_of_work():
            assert running.strike() == 0
        work()
    assert len(runs()) == 1
