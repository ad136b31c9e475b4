"""Rules at work: each at most once for each thing that happened, in order, explained in the log.

The caller opens one unit of work around `consider`, so that a rule's deeds, its log and the mark
that it is done stand or fall together. What rules do sets off no rule (`happenings.told`).
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.automation import facts as facts_of
from app.automation import failing, queries
from app.automation.definition import Names
from app.automation.evaluation import Facts, Verdict, evaluate
from app.automation.facts import Occasion
from app.automation.models import Rule, RuleRun
from app.automation.occasions import between
from app.automation.performing import Outcome, perform
from app.automation.queries import Current
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db
from app.core.models import Agency
from app.tickets import queries as ticket_queries
from app.tickets.happening_models import Happening
from app.tickets.happenings import CONSIDER, RULE
from app.tickets.models import Ticket

MOST_STRUCK = 20_000


def consider(happening_id: int) -> int:
    """Let every rule that waits for it look at one thing that happened; returns how many ran.

    A second time does nothing.
    """
    found = queries.happening(happening_id)
    if found is None:
        return 0
    tickets = ticket_queries.locked_by_id([found.ticket_id])
    ran = 0
    if tickets and tickets[0].merged_into_id is None:
        ran = _rules_on(found, tickets[0])
    found.done_at = clock.now()
    db.session.flush()
    return ran


def _rules_on(happening: Happening, ticket: Ticket) -> int:
    waiting = queries.waiting_for(happening.kind, happening.rule_id)
    if not waiting:
        return 0
    definitions = [each.definition for each in waiting]
    names = queries.names(definitions)
    occasion = Occasion(
        happening.kind, ticket.id, happening.at, happening.event_id, happening.detail
    )
    ran = 0
    seen = facts_of.load([occasion], definitions, names)[0]
    for each in waiting:
        verdict = evaluate(each.definition, seen, names)
        if not verdict.holds:
            continue
        if _run(each, happening, ticket, seen, verdict, names):
            ran += 1
            seen = facts_of.load([occasion], definitions, names)[0]
        if each.definition.stops:
            break
    return ran


def _run(
    current: Current,
    happening: Happening,
    ticket: Ticket,
    seen: Facts,
    verdict: Verdict,
    names: Names,
) -> bool:
    """Perform a rule's actions and write its log; False when it was done before."""
    run_id = db.session.scalar(
        insert(RuleRun)
        .values(
            rule_id=current.rule.id,
            version_id=current.version.id,
            happening_id=happening.id,
            ticket_id=ticket.id,
            state="done",
            checks=verdict.as_json(),
            outcomes=[],
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["rule_id", "happening_id"])
        .returning(RuleRun.id)
    )
    if run_id is None:
        return False
    agency = db.session.scalars(select(Agency.name)).one()
    actor = Actor(name=agency, channel=RULE, rule=current.rule.name, rule_run=run_id)
    outcomes: list[Outcome] = []
    for action in current.definition.actions:
        outcome = perform(ticket, action, actor=actor, facts=seen, names=names)
        outcomes.append(outcome)
        if outcome.state == "done":
            seen = _followed(seen, ticket)
    run = db.session.get_one(RuleRun, run_id)
    run.outcomes = [each.as_json() for each in outcomes]
    failed = [each for each in outcomes if each.state == "failed"]
    run.state = "failed" if failed else "done"
    db.session.flush()
    failing.count(current, run, ticket, failed, actor=actor)
    return True


def _followed(seen: Facts, ticket: Ticket) -> Facts:
    """The facts after a command changed the ticket."""
    return replace(
        seen,
        priority=ticket.priority,
        assignee=ticket.assignee_id,
        department=ticket.department_id,
        status=ticket.status_id,
        category=ticket.category,
        tags=frozenset(ticket.tags),
    )


def strike() -> int:
    """Write what waiting rules have waited for until now, for jobs to look at; returns how much.

    A rule looks from where it stopped, at first from when it was switched on. Each wait strikes
    once for a rule, however often this runs and whatever becomes of the calendar it counts by.
    """
    now, struck = clock.now(), 0
    for each in queries.waiting_for("waited"):
        rule = queries.locked(each.rule.id)
        begin = max(filter(None, (rule.looked_at, rule.on_since)), default=now)
        if not rule.is_on or begin >= now:
            continue
        found = between(each.definition, begin, now, most=MOST_STRUCK)
        ids = _written(rule.id, _new(rule.id, found.occasions))
        if ids:
            jobs.post(CONSIDER, {"happenings": ids})
        db.session.execute(update(Rule).where(Rule.id == rule.id).values(looked_at=now))
        struck += len(ids)
    return struck


def _new(rule_id: int, occasions: list[Occasion]) -> list[Occasion]:
    """Those that are no wait which struck before, to be over again by other business hours."""
    known = db.session.execute(
        select(Happening.ticket_id, Happening.detail["began"].astext).where(
            Happening.rule_id == rule_id,
            Happening.ticket_id.in_({each.ticket_id for each in occasions}),
            Happening.detail.has_key("began"),
        )
    )
    struck = {(ticket_id, began) for ticket_id, began in known}
    return [each for each in occasions if (each.ticket_id, each.detail.get("began")) not in struck]


def _written(rule_id: int, occasions: list[Occasion]) -> list[int]:
    if not occasions:
        return []
    rows = [
        {
            "kind": each.event,
            "ticket_id": each.ticket_id,
            "rule_id": rule_id,
            "at": each.at,
            "detail": dict(each.detail),
        }
        for each in occasions
    ]
    statement = insert(Happening).on_conflict_do_nothing().returning(Happening.id)
    return sorted(db.session.scalars(statement, rows))


def forget(before: datetime) -> int:
    """Delete what happened long ago and no rule answered to; returns how much."""
    answered = select(RuleRun.id).where(RuleRun.happening_id == Happening.id).exists()
    done = db.session.execute(
        delete(Happening)
        .where(Happening.done_at < before, ~answered)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)
