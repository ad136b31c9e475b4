"""Who of a department gets a new ticket that names nobody."""

import pytest
from sqlalchemy import insert, text, update

from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.staff import commands as staff
from app.staff.models import DepartmentMember, Staff
from app.tickets import commands
from tests import factories as make

ACTOR = Actor(name="Ada")


@pytest.fixture
def company(app):
    return make.company("Fjord")


@pytest.fixture
def desk(app):
    """A department of three."""
    people = [make.staff(name) for name in ("Ana", "Bo", "Cy")]
    department = make.department("Support")
    db.session.execute(
        insert(DepartmentMember).values(
            [{"department_id": department.id, "staff_id": person.id} for person in people]
        )
    )
    return department, people


def given(company, department, count, **values):
    return [
        commands.open_ticket(
            actor=ACTOR,
            subject="S",
            company_id=company.id,
            department_id=department.id,
            **values,
        ).assignee_id
        for _ in range(count)
    ]


def test_by_hand_nobody_is_chosen(company, desk):
    assert given(company, desk[0], 2) == [None, None]


def test_members_come_in_turn_and_the_archived_are_passed_over(company, desk):
    department, people = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    ids = [person.id for person in people]
    assert given(company, department, 4) == [*ids, ids[0]]
    db.session.execute(update(Staff).where(Staff.id == ids[1]).values(archived_at=clock.now()))
    assert given(company, department, 2) == [ids[2], ids[0]]


def test_an_import_into_a_department_holds_up_nobody(company, desk):
    department, people = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    company_id, department_id, first = company.id, department.id, people[0].id
    db.session.commit()
    with db.engine.connect() as other:
        held = text("select id from department where id = :id for key share")  # as its tickets do
        other.execute(held, {"id": department_id})
        db.session.execute(text("set local lock_timeout = '2s'"))
        made = commands.open_ticket(
            actor=ACTOR, subject="S", company_id=company_id, department_id=department_id
        )
        assert made.assignee_id == first


def test_who_may_not_sign_in_any_more_is_passed_over(company, desk):
    department, people = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    gone = make.user("Agent")
    gone.active = False
    member = DepartmentMember(department_id=department.id, staff_id=make.staff_of(gone).id)
    db.session.add(member)
    db.session.flush()
    ids = [person.id for person in people]
    assert given(company, department, 4) == [*ids, ids[0]]


def test_a_named_assignee_is_left_and_takes_no_turn(company, desk):
    department, people = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    assert given(company, department, 1, assignee_id=people[2].id) == [people[2].id]
    assert given(company, department, 1) == [people[0].id]


def test_the_least_loaded_gets_it_closed_tickets_do_not_count(company, desk):
    department, (ana, bo, cy) = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="least_loaded")
    for person, count in ((ana, 2), (bo, 1)):
        for _ in range(count):
            make.ticket(company, assignee_id=person.id)
    for _ in range(3):
        make.ticket(company, "Done", category="completed", assignee_id=cy.id)
    assert given(company, department, 3) == [cy.id, bo.id, cy.id]


def test_who_stays_a_member_keeps_the_turn(company, desk):
    department, (ana, bo, _) = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    assert given(company, department, 1) == [ana.id]
    staff.set_members(department, actor=ACTOR, staff_ids=[ana.id, bo.id])
    assert given(company, department, 2) == [bo.id, ana.id]


def moved(ticket, department, **more):
    commands.change_fields(
        ticket, actor=ACTOR, changes={"department_id": department.id, "assignee_id": None, **more}
    )
    return ticket.assignee_id


def test_who_moves_to_a_department_is_given_to_one_of_its_members(company, desk):
    department, (ana, bo, cy) = desk
    staff.set_assign_mode(department, actor=ACTOR, mode="round_robin")
    assert moved(make.ticket(company), department) == ana.id
    other = make.staff("Di")
    ticket = make.ticket(company, assignee_id=other.id)
    assert moved(ticket, department, assignee_id=other.id) == bo.id
    ticket = make.ticket(company, assignee_id=ana.id)
    assert moved(ticket, department, assignee_id=ana.id) == ana.id, "a member keeps it"
    assert moved(make.ticket(company), department, assignee_id=ana.id) == ana.id, "as was chosen"
    assert moved(make.ticket(company, category="completed"), department) is None
    assert moved(make.ticket(company), department) == cy.id


def test_where_tickets_are_assigned_by_hand_a_moved_one_stays_with_whom_it_was(company, desk):
    other = make.staff("Di")
    ticket = make.ticket(company, assignee_id=other.id)
    assert moved(ticket, desk[0], assignee_id=other.id) == other.id
