"""The pages agents live on, at 100,000 tickets and 1,000,000 events."""

from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.companies.account_models import PortalAccount
from app.companies.models import Company
from app.core.db import db, unit_of_work
from app.tickets.models import Ticket
from bench import world
from bench.report import Report, Timing, measured
from tests import factories as make

TICKETS, EVENTS_EACH = 100_000, 10
QUEUE, TICKET, LIST = 6, 8, 10
TRIES = 5


def run(report: Report) -> None:
    """Statements are what counts; the times are the best of a few, for orientation."""
    with world.fresh_world() as app:
        person_id, username = _fill()
        client = app.test_client()
        client.post("/login/", data={"username": username, "password": make.PASSWORD})
        for rows in (10, 100):
            _assign(person_id, rows)
            _page(report, client, f"own queue, {rows} rows", "/tickets/", QUEUE)
        numbers = {events: _with_events(events) for events in (EVENTS_EACH, 1_000)}
        for events, number in numbers.items():
            _page(report, client, f"ticket, {events:,} events", f"/tickets/{number}", TICKET)
        _page(report, client, "company list", "/companies/list/", LIST)
        visitor = app.test_client()
        _let_in(visitor, list(numbers.values()))
        for events, number in numbers.items():
            path = f"/portal/requests/{number}"
            _page(report, visitor, f"portal ticket, {events:,} events", path, TICKET)


def _fill() -> tuple[int, str]:
    world.companies(1_000)
    world.tickets(TICKETS)
    with unit_of_work() as session:
        make.set_up_agency()
        person = make.user("Admin", name="bench")
        staff_id, username = make.staff_of(person).id, person.username
        asker_id = make.contact(session.get_one(Company, 1)).id
        session.execute(
            text(
                "insert into event (ticket_id, seq, kind, visibility, at, contact_id, actor_name, "
                "payload) select t.id, n, 'message', 'client', "
                "t.created_at + n * interval '1 hour', case n when 1 then :asker end, "
                "'Somebody', jsonb_build_object('text', 'A message of some words') "
                "from ticket t cross join generate_series(1, :each) n"
            ),
            {"each": EVENTS_EACH, "asker": asker_id},
        )
        session.execute(text("update ticket set last_seq = :each"), {"each": EVENTS_EACH})
    world.analyse()
    return staff_id, username


def _assign(staff_id: int, number: int) -> None:
    with unit_of_work() as session:
        session.execute(
            text("update ticket set assignee_id = :staff where id <= :number"),
            {"staff": staff_id, "number": number},
        )


def _with_events(number: int) -> int:
    with unit_of_work() as session:
        return session.scalar(
            text(
                "with chosen as (select id, number, last_seq from ticket where id = :number), "
                "more as (insert into event (ticket_id, seq, kind, visibility, at, actor_name, "
                "payload) select id, n, 'message', 'client', now(), 'Somebody', "
                "jsonb_build_object('text', 'More') "
                "from chosen, generate_series(last_seq + 1, :number) n "
                "returning 1), "
                "raised as (update ticket set last_seq = greatest(last_seq, :number) "
                "where id = :number returning 1) "
                "select number from chosen"
            ),
            {"number": number},
        )


def _let_in(visitor: FlaskClient, numbers: list[int]) -> None:
    """Sign a client in who asked for these tickets."""
    with unit_of_work() as session:
        tickets = session.scalars(select(Ticket).where(Ticket.number.in_(numbers))).all()
        contact = make.contact(tickets[0].company)
        account = PortalAccount(contact_id=contact.id, password=make.PASSWORD_HASH, epoch=1)
        session.add(account)
        for ticket in tickets:
            ticket.company, ticket.requester_id = tickets[0].company, contact.id
        email = contact.emails[0].address
    visitor.post("/portal/sign-in", data={"email": email, "password": make.PASSWORD})


def _page(report: Report, client: FlaskClient, name: str, path: str, most: int) -> None:
    best = Timing(seconds=1e9)
    for _ in range(TRIES):
        with ThreadPoolExecutor(1) as elsewhere, measured(db.engine) as timing:
            # a thread of its own has no context yet, as in life: session and user are asked for
            answer = elsewhere.submit(client.get, path).result()
        if answer.status_code != 200:  # noqa: PLR2004
            report.row(name, f"answered {answer.status_code}", kept=False)
            return
        best = min(best, timing, key=lambda each: each.seconds)
    size = len(answer.data) // 1024
    report.row(
        name,
        f"{best.statements} statements, {best.seconds * 1000:.0f} ms, {size} KB",
        target=f"<= {most} statements",
        kept=best.statements <= most,
    )
