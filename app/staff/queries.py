"""Selects over staff and departments."""

from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, Select, exists, or_, select

from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Agency
from app.staff.models import Department, Staff


def staff_of_user(user_id: int) -> Staff | None:
    """The staff row of a signed-in user; None for a user who is no employee."""
    return db.session.scalars(select(Staff).where(Staff.user_id == user_id)).one_or_none()


def person(staff_id: int) -> Staff:
    """The person of an id, or `NotFoundError`."""
    found = db.session.get(Staff, staff_id)
    if found is None:
        raise NotFoundError(f"There is no staff member {staff_id}: choose one of the list.")
    return found


def usual_zone() -> str:
    """The zone of somebody whose own is not known: the agency's."""
    return db.session.scalars(select(Agency.zone)).one()


def employed() -> list[Staff]:
    """Everybody who is not archived, by name."""
    return list(
        db.session.scalars(
            select(Staff).where(Staff.archived_at.is_(None)).order_by(Staff.name, Staff.id)
        )
    )


def working() -> list[Staff]:
    """Everybody to whom work can be given, by name."""
    return list(db.session.scalars(select(Staff).where(~is_gone()).order_by(Staff.name, Staff.id)))


def may_work(staff_id: int) -> bool:
    """Whether work can be given to one of the staff."""
    found = select(Staff.id).where(Staff.id == staff_id, ~is_gone())
    return db.session.scalar(found) is not None


def is_gone() -> ColumnElement[bool]:
    """Whether one of the staff is archived, or may not sign in any more."""
    is_shut_out = exists().where(User.id == Staff.user_id, User.active.is_(False))
    return or_(Staff.archived_at.is_not(None), is_shut_out)


def departments() -> list[Department]:
    """The departments in use, by name."""
    return list(
        db.session.scalars(
            select(Department).where(Department.archived_at.is_(None)).order_by(Department.name)
        )
    )


def department(department_id: int) -> Department:
    """The department of an id, or `NotFoundError`."""
    found = db.session.get(Department, department_id)
    if found is None:
        raise NotFoundError(f"There is no department {department_id}: choose one of the list.")
    return found


def in_use(department_id: int | None) -> int | None:
    """The department of an id; None for one that is archived, to which nothing goes any more."""
    found = db.session.get(Department, department_id) if department_id is not None else None
    return department_id if found is not None and found.archived_at is None else None


def staff_search(text: str) -> Select[*tuple[Any, ...]]:
    """Id, name and e-mail of working staff whose name or e-mail holds what was typed."""
    return (
        select(Staff.id, Staff.name, Staff.email)
        .where(
            Staff.archived_at.is_(None),
            Staff.name.icontains(text, autoescape=True)
            | Staff.email.icontains(text, autoescape=True),
        )
        .order_by(Staff.name_key, Staff.id)
    )


def staff_found(staff_id: int) -> Select[*tuple[Any, ...]]:
    """Id, name and e-mail of one person."""
    return select(Staff.id, Staff.name, Staff.email).where(Staff.id == staff_id)
