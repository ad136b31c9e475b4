"""Rules that wait, at 100,000 tickets and 1,000,000 events of two years: a look, a dry run."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from app.automation import queries, trial, waits
from app.automation.catalogue import SINCE
from app.automation.definition import Action, Definition
from app.core.db import db, unit_of_work
from app.tickets.sla_models import BusinessHours
from bench import world
from bench.report import Report, measured
from tests import factories as make

TICKETS, EVENTS_EACH = 100_000, 10
NOW = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)  # a Monday, at the end of the history
TARGET = 0.1
TRY_TARGET = 30.0  # the time limit of a statement on a page


def run(report: Report) -> None:
    """Five minutes of a rule that waits a day or a month, by the clock and by business hours."""
    with world.fresh_world():
        _fill()
        for hours in (8, 24, 720):
            for counted in ("clock", "business"):
                for since in SINCE:
                    _look(report, {"hours": hours, "since": since, "counted": counted})
        for counted in ("clock", "business"):
            for days in (30, 365):
                _try(report, {"hours": 24, "since": "activity", "counted": counted}, days)


def _fill() -> None:
    world.companies(1_000)
    with unit_of_work() as session:
        make.set_up_agency()
        policy = make.policy(is_default=True)
        for weekday in range(1, 5):
            session.add(
                BusinessHours(
                    calendar_id=policy.calendar_id, weekday=weekday, opens=540, closes=1020
                )
            )
        contact_id = make.contact(make.company()).id
        session.execute(
            text(
                "insert into ticket (subject, company_id, status_id, category, last_event_at, "
                "created_at, last_seq) select 'Request ' || n, 1 + n % 1000, "
                "(select id from ticket_status where category = 'open' limit 1), 'open', at, at, "
                ":each from generate_series(1, :many) n cross join lateral (select "
                "cast(:last as timestamptz) - n * interval '10 minutes' as at) x"
            ),
            {"many": TICKETS, "each": EVENTS_EACH, "last": NOW - timedelta(minutes=1)},
        )
        session.execute(
            text(
                "insert into event (ticket_id, seq, kind, visibility, at, contact_id, staff_id, "
                "actor_name, payload) select t.id, n, "
                "case n % 4 when 0 then 'note' when 1 then 'status' else 'message' end, "
                "case n % 4 when 0 then 'internal' else 'client' end, "
                "t.created_at + n * interval '7 hours', case when n % 4 = 2 then :contact end, "
                "case when n % 4 = 3 then 1 end, 'Somebody', '{}' "
                "from ticket t cross join generate_series(1, :each) n"
            ),
            {"each": EVENTS_EACH, "contact": contact_id},
        )
    world.analyse()


def _look(report: Report, settings: dict[str, int | str]) -> None:
    with measured(db.engine) as timing:
        found, _ = waits.between(settings, NOW - timedelta(minutes=5), NOW, most=1000)
    report.row(
        f"{settings['hours']} h by {settings['counted']} since {settings['since']}",
        f"{timing.seconds * 1000:.0f} ms, {len(found)} are over",
        target=f"<= {TARGET * 1000:.0f} ms",
        kept=timing.seconds <= TARGET,
    )


def _try(report: Report, settings: dict[str, int | str], days: int) -> None:
    definition = Definition("waited", settings, actions=(Action("note", {"text": "x"}),))
    names = queries.names([definition])
    with measured(db.engine) as timing:
        tried = trial.run(definition, names, NOW - timedelta(days=days), NOW)
    report.row(
        f"a dry run of {days} days by {settings['counted']}",
        f"{timing.seconds:.1f} s, {tried.total} found, {tried.looked_at} looked at",
        target=f"<= {TRY_TARGET:.0f} s",
        kept=timing.seconds <= TRY_TARGET,
    )
