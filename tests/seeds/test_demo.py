"""The demo agency: the same each time, resumed when cut off, true books, gone without a trace."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, text

from app.billing.prove import prove
from app.companies import accounts, registrations
from app.companies.account_models import PortalToken, Registration
from app.core import clock, jobs
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Agency
from app.estimates import commands as estimates
from app.estimates import queries as estimate_queries
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.staff.accounts import create_user
from app.staff.models import Staff
from app.tickets import client_commands
from app.tickets import commands as tickets
from jobs import load_handlers
from seeds import clearing, loading, names, portal, tally
from seeds.demo import agency
from tests import factories as make
from tests.web.people import visitor

LAST_DAY = date(2026, 3, 20)
SMALL = 160


@pytest.fixture(autouse=True)
def _handlers():
    load_handlers()


def load(settings) -> dict:
    return jobs.run(clearing.begin(settings, LAST_DAY, tickets=SMALL))


def load_cut_off(settings) -> dict:
    """A load whose worker ends when it has billed, but not yet said so; another one goes on."""
    job_id = clearing.begin(settings, LAST_DAY, tickets=SMALL)
    db.session.rollback()
    running = jobs.claim(job_id)
    todo = loading.steps(agency(LAST_DAY, tickets=SMALL))
    for number, step in enumerate(todo[:6], start=1):
        if step.before:
            step.before(running)
        with running.step(done=number, total=len(todo)):
            step.write()
    billing = todo[6]
    assert billing.before is not None
    billing.before(running)
    with unit_of_work():
        db.session.execute(
            text("update job set lease_until = now() - interval '1 minute' where id = :id"),
            {"id": job_id},
        )
    return jobs.run(job_id)


def rows_of_all_tables() -> dict[str, int]:
    tables = db.session.scalars(
        text("select tablename from pg_tables where schemaname = 'public' order by 1")
    ).all()
    counts = {name: db.session.scalar(text(f"select count(*) from {name}")) for name in tables}
    db.session.rollback()
    return counts


def test_a_full_year_has_what_it_promises():
    year = agency(LAST_DAY)
    assert len(names.COMPANIES) == 60
    assert len(year.people) == len({person.email for person in year.people}) == 180
    assert len(year.requests) == 4_000
    assert len(year.entries) == 20_000
    assert year.months[0] == date(2025, 4, 1)
    assert len(year.months) == 12
    assert max(entry.ended_at.date() for entry in year.entries) <= LAST_DAY
    assert agency(LAST_DAY) == year


@pytest.mark.parametrize("last_day", [date(2026, 1, 1), date(2024, 2, 29), date(2026, 11, 1)])
def test_nobody_works_twice_at_once_or_before_being_asked(last_day):
    year = agency(last_day, tickets=400)
    until = {}
    for entry in year.entries:
        assert entry.started_at >= until.get(entry.staff, entry.started_at)
        until[entry.staff] = entry.ended_at
        if entry.ticket is not None:
            assert entry.started_at >= year.requests[entry.ticket].created_at
    for request in year.requests:
        assert [act.at for act in request.acts] == sorted(act.at for act in request.acts)


def test_the_load_is_whole_true_and_the_same_when_cut_off(app, settings):
    empty = rows_of_all_tables()
    first = load(settings)
    assert first["companies"] == 60
    assert first["contacts"] == 180
    assert first["staff"] == 8
    assert first["tickets"] == SMALL
    assert first["time_entries"] == SMALL * 5
    assert first["invoices"] > 100
    assert first["credit_notes"] == 1
    assert first["payments"] > 0
    assert [check.name for check in prove() if not check.ok] == []
    assert load(settings) == first, "a second load answers with the first"
    unbilled = db.session.scalars(
        text("select count(*) from entry_value where amount_minor is not null")
    ).one()
    assert unbilled > 0
    asked = "select count(*) from ticket where form_version_id is not null and answers ? 'scope'"
    assert db.session.scalar(text(asked)) > SMALL // 10
    running = "select count(*) from sla_clock where state in ('running', 'paused', 'met')"
    assert db.session.scalar(text(running)) > 0
    states = "select state from estimate order by state"
    assert db.session.scalars(text(states)).all() == ["approved", "sent", "sent", "superseded"]
    optional = "select count(distinct estimate_id) from estimate_line where is_optional"
    assert db.session.scalar(text(optional)) == 2
    declined = "select reason <> '' and asks_again from estimate where state = 'superseded'"
    assert db.session.scalar(text(declined))
    [burn] = [
        shown.burn
        for ticket_id in db.session.scalars(select(Estimate.ticket_id)).all()
        for shown in estimate_queries.versions(ticket_id)
        if shown.burn
    ]
    assert 30 <= burn.percent <= 60
    assert db.session.scalar(text("select count(*) from mail")) == 0, "the demo mails nobody"
    gone = clearing.clear()
    assert gone["time_entry"] == SMALL * 5
    left = {name: n for name, n in rows_of_all_tables().items() if n != empty[name]}
    assert left == {}
    assert not db.session.scalar(select(Agency.is_set_up))
    assert load_cut_off(settings) == first
    assert [check.name for check in prove() if not check.ok] == []


def test_what_clients_did_in_the_demo_goes_with_it(app, settings):
    empty = rows_of_all_tables()
    load(settings)
    contact = accounts.account_at(portal.SIGN_INS["requester"]).contact
    with unit_of_work():
        actor = accounts.acting(contact)
        ticket = client_commands.open_request(actor=actor, subject="A question", text="Why?")
        tickets.reply(ticket, actor=SYSTEM, text="Because.")
        client_commands.solve_as_contact(ticket, actor=actor)
        client_commands.rate_as_contact(ticket, actor=actor, score=5)
        accounts.mail_link(portal.SIGN_INS["requester"], "reset")
        registrations.register(
            email="nils@fjord-dental.example", name="Nils", company_name="Fjord", given={}
        )
    with unit_of_work():
        one = db.session.scalars(select(Registration)).one()
        registrations.answer(one.id)
        link = db.session.scalars(
            select(PortalToken).where(PortalToken.registration_id == one.id)
        ).one()
        assert registrations.confirm(link, password=None) is not None
        offer_work_on(client_commands.open_request(actor=actor, subject="A logo", text="Please."))
    clearing.clear()
    left = {name for name, n in rows_of_all_tables().items() if n > empty[name]}
    assert left <= {"job"}


def offer_work_on(ticket) -> None:
    staff = db.session.scalars(
        select(Staff).where(Staff.is_demo, Staff.user_id.is_not(None))
    ).first()
    actor = Actor(name=staff.name, user_id=staff.user_id, staff_id=staff.id)
    estimates.save_draft(
        ticket,
        actor=actor,
        lines=[Line(0, "fixed", "A logo", 10_000)],
        note="",
        valid_until=clock.today() + timedelta(days=9),
    )
    estimates.send(ticket, actor=actor, contact_id=ticket.requester_id)


def test_the_demo_stays_out_of_an_agency_s_work(app, settings):
    with unit_of_work():
        make.company("Own client")
    with pytest.raises(RuleError, match="Own client"):
        clearing.begin(settings, LAST_DAY)
    assert db.session.scalar(select(User.id)) is None


def test_the_demo_is_never_loaded_where_others_reach_it(app, settings):
    with pytest.raises(RuleError, match="everybody knows"):
        clearing.begin(replace(settings, public_url="https://desk.example.com"))


def test_the_four_sign_ins_work_at_once(app, settings):
    clearing.begin(settings, LAST_DAY, tickets=SMALL)
    for name in ("manager", "billing", "agent", "admin"):
        answer = visitor(app).post("/login/", data={"username": name, "password": "demo"})
        assert answer.location == "/", name


def test_where_no_demo_is_none_is_cleared(app):
    with pytest.raises(RuleError, match="There is no demo here"):
        clearing.clear()


def test_clearing_names_what_is_in_the_way(app, settings):
    load(settings)
    with unit_of_work():
        own = make.company("Own client")
        demo = db.session.scalar(text("select id from company where external_id = 'C000'"))
        own.parent_id = demo
    with pytest.raises(RuleError, match="hangs on the demo"):
        clearing.clear()
    assert tally.counts()["companies"] == 60
    with unit_of_work():
        db.session.execute(text("update company set parent_id = null where name = 'Own client'"))
    made = create_own_user()
    clearing.clear()
    assert db.session.scalars(text("select name from company")).all() == ["Own client"]
    assert db.session.scalars(select(User.id)).all() == [made]


def create_own_user() -> int:
    with unit_of_work():
        return create_user(actor=SYSTEM, email="own@example.com", roles=["Agent"]).user_id
