"""Writes the demo year month by month, each step once: history set by set, the rest by commands.

A step is one transaction that also marks itself done on the job, so a load that was cut off goes
on where it stopped. Billing a month has transactions of its own; it looks what is done already.
"""

import calendar
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random
from typing import Any

from app.billing.commands.compile import start_run
from app.billing.commands.credit import void_invoice
from app.billing.commands.issue import start_issue
from app.billing.commands.payments import record_payment
from app.billing.commands.values import value_entries
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.jobs import Running
from app.tickets import bulk as tickets_bulk
from app.tickets import commands as tickets
from app.tickets import request_queries
from app.tickets.bulk import PastEvent, PastTicket
from app.tickets.models import Ticket
from app.timelog import bulk as time_bulk
from app.timelog import commands as timelog
from app.timelog.bulk import PastWork
from app.timelog.rules import Work
from seeds import asking, foundation, names, promised, tally
from seeds.demo import RECENT, SEED, Act, Entry, Request, Year, agency
from seeds.estimates import write_estimates
from seeds.foundation import ACTOR, SOURCE
from seeds.rules import write_rules

KIND = "demo.load"
MORNING, EVENING = time(7, tzinfo=UTC), time(21, tzinfo=UTC)
VOID_MONTH, VOID_PLACE = 5, 3  # of which month, and which invoice of it, is voided
CLOSED = ("Resolved", "Completed")
CATEGORIES = {"New": "new", "Open": "open", "Waiting for client": "waiting"} | {
    "Resolved": "resolved",
    "Completed": "completed",
}
VALUED_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what a person reads while it runs, and what it does.

    `before` runs ahead of the step's transaction and has its own.
    """

    note: str
    write: Callable[[], object]
    before: Callable[[Running], object] | None = None


def steps(year: Year) -> list[Step]:
    """Everything in order; the list is the same for the same year."""
    found = [Step("Companies, people and prices", partial(_found, year))]
    for place, month in enumerate(year.months):
        name = f"{calendar.month_name[month.month]} {month.year}"
        found.append(Step(f"{name}: tickets and time", partial(write_month, year, place)))
        found += [
            Step(f"{day:%-d} {name}: as it came", partial(live, year, day))
            for day in live_days(year)
            if day.replace(day=1) == month
        ]
        if place + 1 < len(year.months):
            note = f"{name}: invoices and payments"
            found.append(Step(note, partial(pay_month, year, place), partial(bill, year, place)))
    found.append(Step("What is not billed yet", partial(value_unbilled, year)))
    found.append(Step("Estimates", partial(write_estimates, year)))
    found.append(Step("Rules", partial(write_rules, ACTOR)))
    return found


def load(running: Running) -> dict[str, Any]:
    """Carry out the job from the first step that is not done; returns counts and the hash."""
    wanted = running.payload
    year = agency(date.fromisoformat(wanted["last_day"]), tickets=wanted["tickets"])
    todo = steps(year)
    for number, step in enumerate(todo[running.done_steps :], start=running.done_steps + 1):
        if step.before is not None:
            step.before(running)
        with running.step(done=number, total=len(todo), note=step.note):
            step.write()
        db.session.expunge_all()
    return tally.counts() | {"hash": tally.content_hash()}


def _found(year: Year) -> None:
    with clock.frozen(datetime.combine(year.first_day, MORNING)):
        foundation.write_clients(year)
        foundation.write_prices(year)


class Ids:
    """Ids in this database of what the year names by place."""

    def __init__(self, year: Year) -> None:
        known = tally.Known()
        self.staff = [known.staff[foundation.email_of(n)] for n in range(len(names.STAFF))]
        self.departments = known.departments
        self.types = known.work_types
        self.statuses = known.statuses
        self.tickets = known.tickets
        self._companies = known.companies
        self._people = known.people
        self._forms = {form.type.name: form for form in request_queries.offered()}
        self._names = [person.name for person in year.people]

    def client(self, request: Request) -> str:
        """The name of the person who asked."""
        return self._names[request.person]

    def company(self, index: int) -> int:
        return self._companies[foundation.company_key(index)]

    def person(self, index: int) -> int:
        return self._people[foundation.person_key(index)]

    def asked(self, request: Request) -> dict[str, Any]:
        """The kind of request with its version and answers, where the agency offers that kind."""
        kind, answers = asking.asked(request)
        form = self._forms.get(kind)
        if form is None:
            return {}
        version = form.version.id
        return {
            "request_type_id": form.type.id,
            "form_version_id": version,
            "answers": answers,
        }

    def actor(self, staff: int | None) -> Actor:
        if staff is None:
            return ACTOR
        return Actor(name=names.STAFF[staff][0], staff_id=self.staff[staff], channel=ACTOR.channel)


def ticket_key(number: int) -> str:
    """The external id of a ticket of the year."""
    return f"T{number:05}"


def write_month(year: Year, place: int) -> None:
    """The tickets and the time of a month, as far as they are history."""
    ids = Ids(year)
    if place == VOID_MONTH + 1:
        _void_one(year)
    begin, end = _edges(year, place)
    opened = [r for r in year.requests if begin <= r.created_at < min(end, year.recent)]
    if opened:
        _write_history(year, ids, opened, begin, min(end, year.recent))


def _edges(year: Year, place: int) -> tuple[datetime, datetime]:
    later = [*year.months[1:], year.last_day + timedelta(days=1)]
    begin, end = year.months[place], later[place]
    return datetime.combine(begin, time(), tzinfo=UTC), datetime.combine(end, time(), tzinfo=UTC)


def _write_history(
    year: Year, ids: Ids, opened: Sequence[Request], begin: datetime, end: datetime
) -> None:
    numbers = {request.number for request in opened}
    works = [
        entry
        for entry in year.entries
        if entry.started_at < year.recent
        and (
            entry.ticket in numbers if entry.ticket is not None else begin <= entry.started_at < end
        )
    ]
    made = tickets_bulk.open_many([_past_ticket(year, ids, r) for r in opened], actor=ACTOR)
    ticket_ids = {request.number: id_ for request, id_ in zip(opened, made, strict=True)}
    ids.tickets |= {ticket_key(number): id_ for number, id_ in ticket_ids.items()}
    entry_ids = time_bulk.log_many(
        [_past_work(ids, ticket_ids, entry) for entry in works], actor=ACTOR, with_events=False
    )
    told = [
        (ticket_ids[request.number], _past_event(ids, request, act))
        for request in opened
        for act in request.acts
        if act.at < year.recent
    ]
    told += [
        (ticket_ids[entry.ticket], _time_event(ids, entry, id_))
        for entry, id_ in zip(works, entry_ids, strict=True)
        if entry.ticket is not None
    ]
    tickets_bulk.tell_many(sorted(told, key=lambda pair: (pair[1].at, pair[1].kind != "time")))


def _past_ticket(year: Year, ids: Ids, request: Request) -> PastTicket:
    steps_ = [act for act in request.acts if act.kind == "status" and act.at < year.recent]
    status = steps_[-1].text if steps_ else "New"
    return PastTicket(
        subject=request.subject,
        company_id=ids.company(request.company),
        requester_id=ids.person(request.person),
        department_id=ids.departments[request.department],
        assignee_id=ids.staff[request.staff],
        status_id=ids.statuses[status],
        category=CATEGORIES[status],
        priority=request.priority,
        created_at=request.created_at,
        closed_at=steps_[-1].at if status in CLOSED else None,
        source=SOURCE,
        external_id=ticket_key(request.number),
        is_demo=True,
        origin="portal",
        **ids.asked(request),
    )


def _past_work(ids: Ids, ticket_ids: dict[int, int], entry: Entry) -> PastWork:
    return PastWork(
        staff_id=ids.staff[entry.staff],
        company_id=ids.company(entry.company),
        ticket_id=None if entry.ticket is None else ticket_ids[entry.ticket],
        work_type_id=ids.types[entry.work_type],
        work_date=entry.work_date,
        started_at=entry.started_at,
        ended_at=entry.ended_at,
        recorded_seconds=entry.seconds,
        billable_seconds=0 if entry.reason else entry.seconds,
        non_billable_reason=entry.reason,
        description=entry.text,
        project=entry.project,
        approved_at=entry.ended_at,
    )


def _past_event(ids: Ids, request: Request, act: Act) -> PastEvent:
    is_client = act.staff is None
    kind = "message" if act.kind == "reply" else act.kind
    payload = (
        {"to": act.text, "category": CATEGORIES[act.text]}
        if act.kind == "status"
        else {"text": act.text}
    )
    return PastEvent(
        kind=kind,
        at=act.at,
        actor_name=ids.client(request) if is_client else names.STAFF[act.staff or 0][0],
        payload=payload,
        staff_id=None if is_client else ids.staff[act.staff or 0],
        contact_id=ids.person(request.person) if is_client else None,
    )


def _time_event(ids: Ids, entry: Entry, entry_id: int) -> PastEvent:
    payload = {
        "entry": entry_id,
        "seconds": entry.seconds,
        "billable": not entry.reason,
        "text": entry.text,
    }
    name = names.STAFF[entry.staff][0]
    return PastEvent("time", entry.ended_at, name, payload, staff_id=ids.staff[entry.staff])


def live_days(year: Year) -> list[date]:
    """The last two weeks, day by day."""
    first = year.last_day - RECENT
    return [first + timedelta(days=n) for n in range(RECENT.days + 1)]


def live(year: Year, day: date) -> None:
    """Do what was done on a day by the ordinary commands, in order of time."""
    begin = year.recent + (day - live_days(year)[0])
    ids = Ids(year)
    if day == live_days(year)[-promised.LIVE_DAYS]:
        with clock.frozen(begin):
            promised.write_promises(ACTOR, year)
    acts = _acts(year, ids, begin, begin + timedelta(days=1))
    for at, do in sorted(acts, key=lambda pair: pair[0]):
        with clock.frozen(at):
            do()


def _acts(
    year: Year, ids: Ids, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, Callable[[], object]]]:
    for request in year.requests:
        for act in request.acts:
            if begin <= act.at < end:
                yield act.at, partial(_do, ids, request, act)
    for entry in year.entries:
        if begin <= entry.started_at < end:
            yield entry.ended_at, partial(_log, ids, entry)


def _do(ids: Ids, request: Request, act: Act) -> None:
    key = ticket_key(request.number)
    if act.kind == "message":
        opened = tickets.open_ticket(
            actor=Actor(name=ids.client(request), channel=ACTOR.channel),
            subject=request.subject,
            company_id=ids.company(request.company),
            requester_id=ids.person(request.person),
            department_id=ids.departments[request.department],
            assignee_id=ids.staff[request.staff],
            priority=request.priority,
            message=act.text,
            is_demo=True,
        )
        opened.source, opened.external_id = SOURCE, key
        opened.origin = "portal"
        for name, value in ids.asked(request).items():
            setattr(opened, name, value)
        db.session.flush()
        ids.tickets[key] = opened.id
        return
    ticket = db.session.get_one(Ticket, ids.tickets[key])
    actor = ids.actor(act.staff)
    if act.kind == "reply":
        tickets.reply(ticket, actor=actor, text=act.text)
    elif act.kind == "note":
        tickets.add_note(ticket, actor=actor, text=act.text)
    else:
        status = tally.status(ids.statuses[act.text])
        tickets.change_status(ticket, actor=actor, status=status)


def _log(ids: Ids, entry: Entry) -> None:
    timelog.log_time(
        Work(
            started_at=entry.started_at,
            ended_at=entry.ended_at,
            work_type_id=ids.types[entry.work_type],
            billable=not entry.reason,
            reason=entry.reason,
            description=entry.text,
            project=entry.project,
        ),
        actor=ids.actor(entry.staff),
        staff_id=ids.staff[entry.staff],
        ticket_id=None if entry.ticket is None else ids.tickets[ticket_key(entry.ticket)],
        company_id=ids.company(entry.company),
    )


def billing_day(year: Year, place: int) -> date:
    """The day on which a month is billed: the second of the next, never after the last day."""
    return min(year.months[place + 1] + timedelta(days=1), year.last_day)


def bill(year: Year, place: int, running: Running) -> None:
    """Compile and issue a month with the commands that people use, in jobs of their own."""
    through = year.months[place + 1] - timedelta(days=1)
    actor = tally.billing_clerk()
    with clock.frozen(datetime.combine(billing_day(year, place), MORNING)):
        run = tally.run_through(through, actor.user_id)
        if run is None or run.state == "compiling":
            run_id = _at_once(running, lambda: start_run(actor, through=through))
        else:
            run_id = run.id
        _at_once(
            running,
            lambda: (
                run_id,
                start_issue(actor, run_id, on=billing_day(year, place), mail=False),
            ),
        )


def _at_once(running: Running, post: Callable[[], tuple[int, int]]) -> int:
    """Post a job and take it in one transaction, so that no worker does; then carry it out."""
    running.renew()
    with unit_of_work():
        run_id, job_id = post()
        own = jobs.claim(job_id)
    if own is not None:
        jobs.carry_out(own)
    return run_id


def pay_month(year: Year, place: int) -> None:
    """What clients paid of a month's invoices: most in full, some in part, some not at all."""
    through = year.months[place + 1] - timedelta(days=1)
    actor = tally.billing_clerk()
    run = tally.run_through(through, actor.user_id)
    issued = billing_day(year, place)
    with clock.frozen(datetime.combine(year.last_day, EVENING)):
        for position, invoice in enumerate(tally.invoices_of(run) if run else []):
            if (place, position) == (VOID_MONTH, VOID_PLACE) or invoice.gross_minor <= 0:
                continue
            luck = Random(f"{SEED}:{invoice.number}")  # noqa: S311 - the same story each time
            paid, late = luck.random(), luck.randrange(4, 45)
            if paid > 0.93 or issued + timedelta(days=late) > year.last_day:  # noqa: PLR2004
                continue
            part = paid > 0.86  # noqa: PLR2004
            over = paid < 0.01  # noqa: PLR2004
            amount = invoice.gross_minor // 2 if part else invoice.gross_minor
            record_payment(
                actor,
                account_id=invoice.account_id,
                amount_minor=max(amount, 1) + (500 if over else 0),
                received_on=issued + timedelta(days=late),
                method="transfer",
                reference=invoice.number,
                invoice_ids=[invoice.id],
                idempotency_key=f"demo:{invoice.number}",
            )


def _void_one(year: Year) -> None:
    actor = tally.billing_clerk()
    through = year.months[VOID_MONTH + 1] - timedelta(days=1)
    run = tally.run_through(through, actor.user_id)
    invoices = tally.invoices_of(run) if run else []
    if len(invoices) > VOID_PLACE:
        day = billing_day(year, VOID_MONTH) + timedelta(days=3)
        with clock.frozen(datetime.combine(min(day, year.last_day), MORNING)):
            number = invoices[VOID_PLACE].number
            void_invoice(actor, number, reason="Billed to the wrong site", mail=False)


def value_unbilled(year: Year) -> None:
    """Price what is not billed, and take back the jobs that would do the same entry by entry."""
    with clock.frozen(datetime.combine(year.last_day, EVENING)):
        unbilled = tally.unbilled_entries()
        for at in range(0, len(unbilled), VALUED_AT_ONCE):
            value_entries(unbilled[at : at + VALUED_AT_ONCE])
    tally.drop_pricing_jobs()
