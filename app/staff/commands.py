"""Changes of staff and departments; each leaves a line in the audit log."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app.core import clock, zones
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.imports.values import fold_name
from app.staff.models import ASSIGN_MODES, REPLY_MODES, Department, DepartmentMember, Staff

LONGEST_NAME = 200
LONGEST_REOPEN = 3650  # days
LONGEST_COMPLETE = 365
WEEK = 7 * 86_400


def add_staff(
    *,
    actor: Actor,
    name: str,
    email: str | None = None,
    zone: str = "UTC",
    weekly_seconds: int = 144_000,
    user_id: int | None = None,
    is_demo: bool = False,
) -> Staff:
    """Add an employee; without `user_id` they cannot sign in. `weekly_seconds` is planned work.

    Raises `RuleError` for an empty or taken name part, with every reason at once.
    """
    person = Staff(user_id=user_id, is_demo=is_demo)
    _write_staff(person, name=name, email=email, zone=zone, weekly_seconds=weekly_seconds)
    db.session.add(person)
    db.session.flush()
    record(actor, "staff.add", kind="staff", id=person.id, after=_staff_facts(person))
    return person


def change_staff(
    person: Staff, *, actor: Actor, name: str, email: str | None, zone: str, weekly_seconds: int
) -> None:
    """Change an employee. Raises `RuleError` with every reason at once."""
    before = _staff_facts(person)
    _write_staff(person, name=name, email=email, zone=zone, weekly_seconds=weekly_seconds)
    record(
        actor, "staff.change", kind="staff", id=person.id, before=before, after=_staff_facts(person)
    )


def archive_staff(person: Staff, *, actor: Actor) -> None:
    """Take an employee out of every list to choose from; their tickets and time stay."""
    person.archived_at = clock.now()
    record(actor, "staff.archive", kind="staff", id=person.id)


def restore_staff(person: Staff, *, actor: Actor) -> None:
    """Offer an archived employee again."""
    person.archived_at = None
    record(actor, "staff.restore", kind="staff", id=person.id)


def add_department(*, actor: Actor, name: str) -> Department:
    """Add a department. Raises `RuleError` when the name is empty or taken."""
    department = Department(name=_department_name(name))
    db.session.add(department)
    db.session.flush()
    record(actor, "department.add", kind="department", id=department.id, after={"name": name})
    return department


def rename_department(department: Department, *, actor: Actor, name: str) -> None:
    """Rename a department. Raises `RuleError` when the name is empty or taken."""
    before = department.name
    department.name = _department_name(name, but=department.id)
    record(
        actor,
        "department.change",
        kind="department",
        id=department.id,
        before={"name": before},
        after={"name": department.name},
    )


def set_reopen_days(department: Department, *, actor: Actor, days: int) -> None:
    """For how many days after closing an answer opens a ticket again. Raises `RuleError`."""
    if not 0 <= days <= LONGEST_REOPEN:
        raise RuleError(f"Days to reopen: {days}; give 0 to {LONGEST_REOPEN} days.")
    _set(department, "reopen_days", days, actor=actor, told_as="days")


def set_complete_days(department: Department, *, actor: Actor, days: int | None) -> None:
    """After how many days without an answer a resolved ticket completes; 0 for never.

    None as the agency has it. Raises `RuleError`.
    """
    if days is not None and not 0 <= days <= LONGEST_COMPLETE:
        raise RuleError(
            f"Days to complete: {days}; give 1 to {LONGEST_COMPLETE} days, 0 for never, or nothing "
            "for the days of the agency."
        )
    _set(department, "complete_days", days, actor=actor, told_as="days")


def set_reply_mode(department: Department, *, actor: Actor, mode: str) -> None:
    """Say whether mails ask for answers by mail or in the portal. Raises `RuleError`."""
    if mode not in REPLY_MODES:
        raise RuleError("Clients answer: choose by mail or in the portal.")
    _set(department, "reply_mode", mode, actor=actor, told_as="mode")


def archive_department(department: Department, *, actor: Actor) -> None:
    """Take a department out of every list to choose from; its tickets stay."""
    department.archived_at = clock.now()
    record(actor, "department.archive", kind="department", id=department.id)


def restore_department(department: Department, *, actor: Actor) -> None:
    """Offer an archived department again."""
    department.archived_at = None
    record(actor, "department.restore", kind="department", id=department.id)


def set_assign_mode(department: Department, *, actor: Actor, mode: str) -> None:
    """Say who gets a new ticket of a department that names nobody (a key of `ASSIGN_MODES`)."""
    if mode not in ASSIGN_MODES:
        raise RuleError(f"{mode!r} is no way to assign: choose one of {', '.join(ASSIGN_MODES)}.")
    _set(department, "assign_mode", mode, actor=actor, told_as="mode")


def _set(department: Department, name: str, value: object, *, actor: Actor, told_as: str) -> None:
    """Change one setting of a department, with its line in the audit log; the same is no change."""
    before = getattr(department, name)
    if before == value:
        return
    setattr(department, name, value)
    record(
        actor,
        f"department.{name}",
        kind="department",
        id=department.id,
        before={told_as: before},
        after={told_as: value},
    )


def set_members(department: Department, *, actor: Actor, staff_ids: Sequence[int]) -> None:
    """Say who works in a department; exactly these. Who stays keeps their turn."""
    wanted = sorted({*staff_ids})
    db.session.execute(
        delete(DepartmentMember).where(
            DepartmentMember.department_id == department.id,
            DepartmentMember.staff_id.not_in(wanted),
        )
    )
    rows = [{"department_id": department.id, "staff_id": staff_id} for staff_id in wanted]
    if rows:
        db.session.execute(insert(DepartmentMember).values(rows).on_conflict_do_nothing())
    record(
        actor,
        "department.members",
        kind="department",
        id=department.id,
        after={"staff": wanted},
    )


def _write_staff(
    person: Staff, *, name: str, email: str | None, zone: str, weekly_seconds: int
) -> None:
    name, email = " ".join(name.split()), (email or "").strip() or None
    problems = []
    if not name:
        problems.append("The name is empty: write the person's full name.")
    if len(name) > LONGEST_NAME:
        problems.append(f"The name has {len(name)} characters, at most {LONGEST_NAME} fit.")
    if email and _email_taken(email, but=person.id):
        problems.append(f"Somebody else of the staff has {email}: use another address.")
    if zone not in zones.KNOWN:
        problems.append(f"{zone} is no time zone: choose one such as Europe/Berlin.")
    if not 0 <= weekly_seconds <= WEEK:
        problems.append("The hours a week must be between 0 and 168.")
    if problems:
        raise RuleError(*problems)
    person.name, person.name_key = name, fold_name(name)
    person.email, person.zone, person.weekly_seconds = email, zone, weekly_seconds


def _email_taken(email: str, *, but: int | None) -> bool:
    with db.session.no_autoflush:
        return bool(
            db.session.scalar(
                select(func.count())
                .select_from(Staff)
                .where(Staff.email == email, Staff.id.is_distinct_from(but))
            )
        )


def _department_name(name: str, *, but: int | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise RuleError("The department's name is empty: write one.")
    if len(name) > LONGEST_NAME:
        raise RuleError(f"The name has {len(name)} characters, at most {LONGEST_NAME} fit.")
    with db.session.no_autoflush:
        taken = db.session.scalar(
            select(Department.id).where(
                func.lower(Department.name) == name.lower(), Department.id.is_distinct_from(but)
            )
        )
    if taken:
        raise RuleError(f"There is a department called {name} already: use another name.")
    return name


def _staff_facts(person: Staff) -> dict[str, object]:
    return {
        "name": person.name,
        "email": person.email,
        "zone": person.zone,
        "weekly_seconds": person.weekly_seconds,
    }
