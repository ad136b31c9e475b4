"""Staff: employees of the agency, with or without a sign-in, and their departments."""

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.core.onetime import HASH, OneTimeLink
from app.core.zones import IS_ZONE

REPLY_MODES = {"mail": "By mail or in the portal", "portal": "In the portal only"}
ASSIGN_MODES = {
    "manual": "By hand",
    "round_robin": "Members in turn",
    "least_loaded": "Who has the fewest open tickets",
}


class Department(Stamped, Model):
    """A group of staff to whom tickets go.

    `assign_mode` says who gets a new ticket that names nobody: nobody yet ("manual"), its members
    in turn ("round_robin"), or the member with the fewest open tickets ("least_loaded").
    For `reopen_days` after a ticket was closed an answer of the client opens it again; a later
    one begins a new ticket that follows it. Resolved tickets complete after `complete_days`
    without an answer, 0 for never; empty as the agency has it. With the `reply_mode` portal its
    mails ask for answers there; one that comes by mail is taken all the same.
    """

    __tablename__ = "department"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("reopen_days between 0 and 3650", name="reopen_days"),
        CheckConstraint("complete_days between 0 and 365", name="complete_days"),
        CheckConstraint(
            "assign_mode in ('manual', 'round_robin', 'least_loaded')", name="assign_mode"
        ),
        CheckConstraint("reply_mode in ('mail', 'portal')", name="reply_mode"),
    )

    name: Mapped[str] = mapped_column(String(200), unique=True)
    reopen_days: Mapped[int] = mapped_column(Integer, server_default="14")
    complete_days: Mapped[int | None] = mapped_column(Integer)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    assign_mode: Mapped[str] = mapped_column(String(12), server_default="manual")
    reply_mode: Mapped[str] = mapped_column(String(6), server_default="mail")
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    members: Mapped[list["Staff"]] = relationship(secondary="department_member", viewonly=True)

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class Staff(Stamped, Model):
    """An employee. `user_id` is empty for people known only from imported time."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint(IS_ZONE, name="zone"),
        CheckConstraint("btrim(name) <> ''", name="named"),
        Index("ix_staff_name_key", "name_key"),
    )

    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(CITEXT, unique=True)
    zone: Mapped[str] = mapped_column(String(64), server_default="UTC")
    weekly_seconds: Mapped[int] = mapped_column(Integer, server_default="144000")
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    departments: Mapped[list[Department]] = relationship(
        secondary="department_member", viewonly=True
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class DepartmentMember(Model):
    """Who works in which department, and when they were last given a ticket by its turn."""

    __tablename__ = "department_member"
    __table_args__ = (UniqueConstraint("department_id", "staff_id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id", ondelete="CASCADE"))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    last_assigned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class StaffLink(OneTimeLink, Model):
    """A link mailed to somebody of the staff, by which they choose their password."""

    __tablename__ = "staff_link"
    __table_args__ = (
        CheckConstraint("purpose in ('invitation', 'reset')", name="purpose"),
        CheckConstraint(HASH, name="hash"),
        Index("ix_staff_link_user_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))

    user: Mapped[User] = relationship()
