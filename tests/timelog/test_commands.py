"""Logging, editing, approving and moving time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from app.core import clock
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError, StaleError
from app.core.models import Agency, AuditLog, Job
from app.tickets import joining, logins
from app.tickets.models import Event
from app.timelog import approval, bulk, commands, queries, rules
from app.timelog.models import TimeEntry
from app.timelog.rules import Work
from app.vault import queries as vault
from app.vault.sealing import Secret
from tests import factories

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon(app):
    with clock.frozen(NOW):
        yield


@pytest.fixture
def ada(app):
    return factories.staff("Ada")


@pytest.fixture
def agent(ada):
    return Actor(name="Ada", staff_id=ada.id, channel="web")


@pytest.fixture
def ticket(app):
    return factories.ticket(factories.company("Fjord", zone="Pacific/Auckland"))


def approve_by_manager():
    db.session.get(Agency, 1).time_approval = "manager"
    db.session.flush()


def bill(entry):
    db.session.execute(
        text(
            "insert into allocation (kind, entry_id, recorded_seconds, billable_seconds,"
            " billed_seconds, amount_minor, reason)"
            " values ('write_off', :id, 0, 0, 0, 0, 'Goodwill')"
        ),
        {"id": entry.id},
    )


def valued():
    return [job.payload["entries"] for job in db.session.scalars(select(Job).order_by(Job.id))]


def test_time_on_a_ticket_is_its_companys_on_its_date(agent, ada, ticket):
    entry = commands.log_time(
        Work(seconds=1500, description="Router"), actor=agent, staff_id=ada.id, ticket_id=ticket.id
    )
    assert entry.company_id == ticket.company_id
    assert entry.work_date == date(2026, 3, 11)  # noon in UTC is tomorrow in Auckland
    assert (entry.recorded_seconds, entry.billable_seconds) == (1500, 1500)
    assert entry.state == "approved"
    event = db.session.scalars(select(Event).where(Event.ticket_id == ticket.id)).one()
    assert (event.kind, event.visibility) == ("time", "internal")
    assert event.payload["seconds"] == 1500
    assert valued() == [[entry.id]]


def test_time_needs_no_ticket_but_a_company(agent, ada, ticket):
    entry = commands.log_time(
        Work(seconds=60), actor=agent, staff_id=ada.id, company_id=ticket.company_id
    )
    assert entry.ticket_id is None
    with pytest.raises(RuleError, match="choose a ticket or a company"):
        commands.log_time(Work(seconds=60), actor=agent, staff_id=ada.id)


def test_a_work_type_may_be_free_of_charge(agent, ada, ticket):
    travel = factories.work_type("Travel", is_billable=False)
    entry = commands.log_time(
        Work(seconds=60, work_type_id=travel.id),
        actor=agent,
        staff_id=ada.id,
        ticket_id=ticket.id,
    )
    assert (entry.billable_seconds, entry.non_billable_reason) == (0, "Travel is not billable")
    with pytest.raises(RuleError, match="no reason is given"):
        commands.log_time(
            Work(seconds=60, billable=False), actor=agent, staff_id=ada.id, ticket_id=ticket.id
        )


def test_all_reasons_are_told_and_nothing_is_kept(agent, ada, ticket):
    with pytest.raises(RuleError) as refused:
        commands.log_time(
            Work(
                started_at=NOW,
                ended_at=NOW - timedelta(hours=1),
                billable=False,
                work_date=date(2026, 4, 1),
            ),
            actor=agent,
            staff_id=ada.id,
            ticket_id=ticket.id,
        )
    assert len(refused.value.problems) == 3
    assert db.session.scalar(select(TimeEntry.id)) is None


def test_work_overlaps_as_long_as_the_other_one_is_there(agent, ada, ticket):
    def work(start, end):
        return Work(started_at=NOW - timedelta(hours=start), ended_at=NOW - timedelta(hours=end))

    def worked(start, end, by=ada):
        made = commands.log_time(work(start, end), actor=agent, staff_id=by.id, ticket_id=ticket.id)
        made.state = "draft"
        return made

    def overlapping():
        db.session.flush()
        return queries.overlapping(ada.id, rules.monday_of(NOW.date()))

    first, second = worked(5, 4), worked(4, 3)
    worked(5, 3, by=factories.staff("Bo"))
    assert overlapping() == set()
    across = worked(4.5, 3.5)
    assert overlapping() == {first.id, second.id, across.id}
    commands.edit_entry(across, work(4.5, 4), actor=agent)
    assert overlapping() == {first.id, across.id}
    commands.delete_entry(first, actor=agent)
    assert overlapping() == set()


def test_an_edit_is_audited_priced_anew_and_told(agent, ada, ticket):
    entry = commands.log_time(Work(seconds=1500), actor=agent, staff_id=ada.id, ticket_id=ticket.id)
    version = entry.version
    commands.edit_entry(
        entry, Work(seconds=1800, work_date=entry.work_date), actor=agent, version=version
    )
    line = db.session.scalars(select(AuditLog).where(AuditLog.action == "time.edit")).one()
    assert (line.before["recorded_seconds"], line.after["recorded_seconds"]) == (1500, 1800)
    assert valued() == [[entry.id], [entry.id]]
    told = db.session.scalars(select(Event).order_by(Event.seq)).all()
    assert told[-1].payload["was"] == 1500
    with pytest.raises(StaleError):
        commands.edit_entry(entry, Work(seconds=60), actor=agent, version=version)


def test_billed_time_is_refused_before_the_trigger_does(agent, ada, ticket):
    entry = commands.log_time(Work(seconds=1500), actor=agent, staff_id=ada.id, ticket_id=ticket.id)
    bill(entry)
    with pytest.raises(RuleError, match="written off and stays"):
        commands.edit_entry(entry, Work(seconds=60), actor=agent)
    with pytest.raises(RuleError, match="billed or written off"):
        commands.move_ticket(ticket, actor=agent, company_id=factories.company("Other").id)


def test_a_misfiled_ticket_takes_its_unbilled_time_along(agent, ada, ticket):
    ana = factories.contact(ticket.company, "Ana")
    ticket.requester_id = ana.id
    entry = commands.log_time(Work(seconds=1500), actor=agent, staff_id=ada.id, ticket_id=ticket.id)
    other = factories.company("Other")
    commands.move_ticket(ticket, actor=agent, company_id=other.id)
    assert (ticket.company_id, entry.company_id) == (other.id, other.id)
    assert ticket.requester_id is None
    assert valued()[-1] == [entry.id]


def test_a_misfiled_ticket_takes_what_became_part_of_it_along(agent, ada, ticket):
    part, of_part = (factories.ticket(ticket.company) for _ in range(2))
    with unit_of_work():
        entry = commands.log_time(
            Work(seconds=60), actor=agent, staff_id=ada.id, ticket_id=of_part.id
        )
        joining.merge(of_part, part, actor=agent)
        joining.merge(part, ticket, actor=agent)
    other = factories.company("Other")
    with unit_of_work():
        commands.move_ticket(ticket, actor=agent, company_id=other.id)
    for each in (ticket, part, of_part, entry):
        assert each.company_id == other.id
    with unit_of_work():
        bill(entry)
    with pytest.raises(RuleError, match=f"#{of_part.number} are billed"), unit_of_work():
        commands.move_ticket(ticket, actor=agent, company_id=factories.company().id)


def test_a_misfiled_ticket_takes_the_logins_along_of_those_who_belong_there(agent, ticket):
    ana = factories.contact(ticket.company, "Ana")
    other = factories.company("Other")
    olga = factories.contact(other, "Olga")
    with unit_of_work():
        for name, contact in (("Ana", ana), ("Olga", olga), ("Ada", None)):
            logins.hand_over(
                ticket,
                actor=Actor(name=name, contact_id=contact.id if contact else None),
                label=name, url="", secret=Secret("me", "canary", ""),
            )  # fmt: skip
    before = ticket.company_id
    with unit_of_work():
        commands.move_ticket(ticket, actor=agent, company_id=other.id)
    assert [each.label for each in vault.of_company(other.id)] == ["Ada", "Olga"]
    assert [each.label for each in vault.of_company(before)] == ["Ana"]


def test_only_drafts_and_rejected_entries_are_deleted(agent, ada, ticket):
    draft = commands.log_time(
        Work(seconds=60), actor=agent, staff_id=ada.id, ticket_id=ticket.id, finished=False
    )
    done = commands.log_time(Work(seconds=60), actor=agent, staff_id=ada.id, ticket_id=ticket.id)
    commands.delete_entry(draft, actor=agent)
    with pytest.raises(RuleError, match="is approved"):
        commands.delete_entry(done, actor=agent)
    assert db.session.scalars(select(TimeEntry.id)).all() == [done.id]


def test_a_managers_approval(agent, ada, ticket):
    approve_by_manager()
    entries = [
        commands.log_time(
            Work(seconds=60), actor=agent, staff_id=ada.id, ticket_id=ticket.id, finished=False
        )
        for _ in range(3)
    ]
    monday = date(2026, 3, 9)
    assert approval.submit_week(ada.id, monday, actor=agent) == 3
    ids = [entry.id for entry in entries]
    manager = Actor(name="Max", channel="web")
    assert approval.reject(ids[:1], actor=manager, reason="Which router?") == 1
    assert approval.approve(ids, actor=manager) == 2
    assert approval.approve(ids, actor=manager) == 0
    db.session.expire_all()
    assert [entry.state for entry in entries] == ["rejected", "approved", "approved"]
    assert entries[0].state_reason == "Which router?"
    with pytest.raises(RuleError, match="what is to be corrected"):
        approval.reject(ids, actor=manager, reason=" ")
    commands.edit_entry(entries[0], Work(seconds=90), actor=agent)
    assert entries[0].state == "submitted"
    commands.edit_entry(entries[1], Work(seconds=90), actor=agent)
    assert entries[1].state == "submitted"
    assert approval.approve_all(actor=manager, through=date(2026, 3, 1)) == 0
    assert approval.approve_all(actor=manager, through=date(2026, 3, 31)) == 2


@pytest.mark.parametrize("count", [3, 60])
def test_approval_costs_the_same_for_any_number(agent, ada, ticket, statements, count):
    approve_by_manager()
    ids = bulk.log_many(
        [
            bulk.PastWork(ada.id, ticket.company_id, date(2026, 3, 2), 60, 60, state="submitted")
            for _ in range(count)
        ],
        actor=agent,
    )
    db.session.flush()
    with statements() as seen:
        assert approval.approve(ids, actor=agent) == count
        db.session.flush()
    assert len(seen) == 3


@pytest.mark.parametrize("count", [3, 60])
def test_time_of_history_costs_the_same_for_any_number(agent, ada, ticket, statements, count):
    works = [
        bulk.PastWork(
            ada.id,
            ticket.company_id,
            date(2026, 3, 2),
            600,
            600,
            ticket_id=ticket.id,
            started_at=NOW - timedelta(days=8, minutes=5 * n),
            ended_at=NOW - timedelta(days=8, minutes=5 * n - 10),
        )
        for n in range(count)
    ]
    db.session.flush()
    with statements() as seen:
        ids = bulk.log_many(works, actor=agent)
        db.session.flush()
    assert len(seen) == 5
    assert valued() == [ids]
    assert ticket.last_seq == count


def test_somebody_elses_entry_is_not_found(agent, ada, ticket):
    entry = commands.log_time(Work(seconds=60), actor=agent, staff_id=ada.id, ticket_id=ticket.id)
    assert queries.entry(entry.id, owner=ada.id).id == entry.id
    with pytest.raises(NotFoundError):
        queries.entry(entry.id, owner=factories.staff("Bo").id)
