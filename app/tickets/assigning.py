"""Who of a department gets a new ticket that names nobody, and who may take one by answering."""

from sqlalchemy import func, select, update

from app.core import clock
from app.core.db import db
from app.staff.models import Department, DepartmentMember, Staff
from app.staff.queries import is_gone
from app.tickets.models import OPEN_CATEGORIES, Ticket


def next_in(department_id: int, mode: str | None = None) -> int | None:
    """Take the next of a department by its mode; None where tickets are assigned by hand.

    Another `mode` may be asked for.

    The department's row is locked, so that two tickets at once go to two people; whoever else just
    writes tickets of it, an import say, is not waited for. A tie in the
    number of open tickets goes to who has waited longest. Who is archived, or may not sign in any
    more, is passed over.
    """
    own = db.session.scalar(
        select(Department.assign_mode)
        .where(Department.id == department_id)
        .with_for_update(key_share=True)
    )
    mode = mode or own
    if mode not in {"round_robin", "least_loaded"}:
        return None
    waited = (DepartmentMember.last_assigned_at.asc().nulls_first(), DepartmentMember.staff_id)
    load = (
        select(func.count())
        .where(
            Ticket.assignee_id == DepartmentMember.staff_id,
            Ticket.category.in_(OPEN_CATEGORIES),
        )
        .correlate(DepartmentMember)
        .scalar_subquery()
    )
    staff_id = db.session.scalar(
        select(DepartmentMember.staff_id)
        .join(Staff, Staff.id == DepartmentMember.staff_id)
        .where(DepartmentMember.department_id == department_id, ~is_gone())
        .order_by(*((load, *waited) if mode == "least_loaded" else waited))
        .limit(1)
    )
    if staff_id is not None:
        db.session.execute(
            update(DepartmentMember)
            .where(
                DepartmentMember.department_id == department_id,
                DepartmentMember.staff_id == staff_id,
            )
            .values(last_assigned_at=clock.now())
        )
    return staff_id


def is_for_who_answers(ticket: Ticket) -> bool:
    """Whether an open ticket is nobody's, and its department (if any) assigns by hand.

    Then it becomes the one's who answers; elsewhere the department's turn stands.
    """
    if ticket.assignee_id is not None or ticket.category not in OPEN_CATEGORIES:
        return False
    return ticket.department is None or ticket.department.assign_mode == "manual"


def after_move(department_id: int, assignee_id: int | None) -> int | None:
    """Who has a ticket that came to a department: a member who had it already, else its next.

    Where tickets are assigned by hand it stays with whom it was.
    """
    is_member = select(DepartmentMember.staff_id).where(
        DepartmentMember.department_id == department_id, DepartmentMember.staff_id == assignee_id
    )
    if db.session.scalar(is_member) is not None:
        return assignee_id
    return next_in(department_id) or assignee_id
