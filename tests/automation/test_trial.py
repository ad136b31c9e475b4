"""Trying a rule on past tickets: true to how they stood, quick, and without a trace."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.automation import checks, commands, queries, trial
from app.automation.catalogue import EVENTS, SINCE
from app.automation.models import RuleRun
from app.core.db import db, unit_of_work
from app.core.models import AuditLog, Job
from app.tickets.bulk import PastEvent, PastTicket, open_many, tell_many
from app.tickets.models import Event
from tests import factories as make
from tests.automation.making import ADMIN, do, on, when, where

pytestmark = pytest.mark.usefixtures("app")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def tried(definition, *, days=40):
    names = queries.names([definition])
    return trial.run(definition, names, START - DAY, START + days * DAY)


def past(count: int, *, told=(), **values) -> list[int]:
    company = make.company()
    given = {"status_id": make.status("open").id, "category": "open", **values}
    made = [
        PastTicket(
            subject=f"Ticket {number}",
            company_id=company.id,
            created_at=START + number * timedelta(minutes=10),
            **given,
        )
        for number in range(count)
    ]
    ids = open_many(made, actor=ADMIN)
    tell_many([(ticket_id, event) for ticket_id in ids for event in told])
    return ids


def changed(field: str, before: str, after: str, at: datetime) -> PastEvent:
    payload = {"changes": [{"field": field, "from": before, "to": after}]}
    return PastEvent("field", at, "Bo", payload)


def test_a_ticket_counts_as_it_stood_then_not_as_it_is_now():
    with unit_of_work():
        past(1, priority="urgent", told=[changed("Priority", "normal", "urgent", START + DAY)])
        past(1, priority="urgent")
        found = tried(
            when("opened", where("priority", "is", "urgent"), then=[do("note", text="x")])
        )
    assert (found.total, found.matched) == (2, 1)


def test_history_that_says_only_what_a_status_became_is_read_too():
    with unit_of_work():
        to = [("Open", 1), ("Waiting for client", 2), ("Completed", 3)]
        past(
            1,
            status_id=make.status("completed").id,
            category="completed",
            closed_at=START + 3 * DAY,
            told=[PastEvent("status", START + n * DAY, "Bo", {"to": name}) for name, n in to],
        )
        for kind, expected in (("new", 0), ("open", 1), ("waiting", 1), ("completed", 1)):
            found = tried(
                when("status_changed", where("category", "is", kind), then=[do("note", text="x")])
            )
            assert found.matched == expected, kind
        opened = tried(when("opened", where("category", "is", "new"), then=[do("note", text="x")]))
    assert opened.matched == 1


def test_what_would_be_done_with_nobody_is_told_before_it_fails():
    with unit_of_work():
        team, bo = make.department("Night shift"), make.staff("Bo Dahl")
        past(1, assignee_id=bo.id)
        definition = when(
            "opened",
            then=[
                do("notify_staff", staff=bo.id, text="Look"),
                do("notify_assignee", text="Look"),
                do("notify_department", department=team.id, text="Look"),
                do("round_robin", department=team.id),
            ],
        )
        found = tried(definition)
        problems = checks.broken(definition, queries.names([definition]))
    reasons = [
        "Bo Dahl has no e-mail address: give them one",
        "Night shift has no members with an e-mail address: add some",
        "Night shift has no members: add some",
    ]
    (match,) = found.matches
    assert [each.refusal for each in match.effects] == [reasons[0], *reasons]
    assert [each.partition("): ")[2] for each in problems] == [f"{each}." for each in reasons]


def test_near_misses_say_what_was_missing_and_effects_what_would_be_done():
    with unit_of_work():
        anna = make.staff("Anna Berg", email="anna@agency.example")
        past(1, priority="urgent", origin="portal", assignee_id=anna.id)
        past(1, priority="low", origin="portal")
        past(1, priority="low", origin="desk")
        definition = when(
            "opened",
            where("priority", "is", "urgent"),
            where("origin", "is", "portal"),
            then=[do("assign", staff=anna.id), do("notify_assignee", text="Look")],
        )
        found = tried(definition)
    (match,) = found.matches
    assert [(each.words, each.changes) for each in match.effects] == [
        ("give it to Anna Berg: it is so already", False),
        ("mail the assignee “Look”", True),
    ]
    (miss,) = found.near_misses
    assert (miss.miss.words, miss.miss.found) == ("the priority is urgent", "it is low")
    assert (found.total, found.matched, found.nearly) == (3, 1, 1)


def test_rules_that_run_before_are_played_first():
    with unit_of_work():
        anna = make.staff("Anna Berg")
        past(2, priority="low", origin="portal")
        past(3, priority="low", origin="mail")
        past(1, priority="urgent", origin="desk")
        raise_it = [do("set_priority", priority="urgent"), do("add_tag", tag="raised")]
        on(when("opened", where("origin", "is", "portal"), then=raise_it), "Portal first")
        on(
            when("opened", where("origin", "is", "mail"), then=[do("note", text="x")], stops=True),
            "Mail is enough",
        )
        later = commands.save(
            actor=ADMIN,
            name="Urgent to Anna",
            definition=when(
                "opened", where("priority", "is", "urgent"), then=[do("assign", staff=anna.id)]
            ),
        )
        on(when("opened", then=[do("set_priority", priority="low")], stops=True), "Last")
        before = queries.running_before("opened", later.id)
        definition = queries.current(later.id).definition
        names = queries.names([definition, *(each.definition for each in before)])
        found = trial.run(definition, names, START - DAY, START + DAY, before=before)
    assert (found.total, found.matched, found.stopped) == (6, 3, {"Mail is enough": 3})
    assert sorted(each.after for each in found.matches) == [(), *[("Portal first",)] * 2]
    assert {each.facts.tags for each in found.matches} == {frozenset(), frozenset({"raised"})}


def test_waits_of_the_past_are_found():
    with unit_of_work():
        ana = make.contact(make.company())
        bo = make.staff("Bo")
        asked = PastEvent("message", START + DAY, "Ana", {"text": "?"}, contact_id=ana.id)
        late = PastEvent("message", START + 3 * DAY, "Bo", {"text": "!"}, staff_id=bo.id)
        soon = PastEvent("message", START + DAY * 1.5, "Bo", {"text": "!"}, staff_id=bo.id)
        past(2, told=[asked, late])
        past(3, told=[asked, soon])
        past(1, told=[asked])
        found = tried(
            when("waited", settings={"hours": 24, "since": "client"}, then=[do("note", text="x")])
        )
    assert found.matched == 3
    assert {match.facts.at for match in found.matches} == {START + 2 * DAY}


def test_every_event_can_be_tried():
    with unit_of_work():
        past(1)
        for event in EVENTS:
            for since in SINCE if event == "waited" else [""]:
                settings = {"hours": 1, "since": since} if since else {}
                found = tried(when(event, settings=settings, then=[do("note", text="x")]))
                assert 0 <= found.matched <= found.looked_at == found.total, event


def test_four_thousand_tickets_take_seconds_and_leave_no_trace():
    with unit_of_work():
        team = make.department("Support")
        told = [
            changed("Priority", "low", "normal", START + 30 * DAY),
            PastEvent("status", START + 31 * DAY, "Bo", {"to": "Open"}),
        ]
        past(4_000, told=told, department_id=team.id)
    counted = [select(func.count()).select_from(model) for model in (Event, RuleRun, Job, AuditLog)]
    before = [db.session.scalar(each) for each in counted]
    definition = when(
        "opened",
        where("priority", "is", "low"),
        where("department", "is", team.id),
        where("text", "contains_not", "x"),
        then=[do("set_priority", priority="high"), do("round_robin", department=team.id)],
    )
    began = time.perf_counter()
    found = tried(definition)
    took = time.perf_counter() - began
    assert (found.total, found.looked_at, found.matched) == (4_000, 4_000, 4_000)
    assert len(found.matches) == trial.SHOWN
    assert took < 8, f"took {took:.1f} s"
    assert [db.session.scalar(each) for each in counted] == before


def test_more_than_is_looked_at_is_said():
    with unit_of_work():
        past(30)
        definition = when("opened", then=[do("note", text="x")])
        found = trial.between(definition, START - DAY, START + DAY, most=10)
    assert (len(found.occasions), found.total) == (10, 30)
    assert found.occasions == sorted(found.occasions, key=lambda each: each.at)
