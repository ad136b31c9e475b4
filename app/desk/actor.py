"""Who acts and who looks in this request: what commands and queries are told about the person."""

from flask import g

from app.core.access import Viewer
from app.core.audit import SYSTEM, Actor
from app.core.db import db
from app.core.logs import request_id
from app.core.security import permissions_of, signed_in
from app.staff import account_queries
from app.staff.models import Staff

CHANNEL = "web"


def current_staff() -> Staff | None:
    """The staff row of the signed-in user; None for anonymous people and users without one."""
    user = signed_in()
    if user is None:
        return None
    kept: dict[int, Staff | None] = g.setdefault("staff", {})
    if user.id not in kept:
        kept[user.id] = db.session.scalar(account_queries.staff_of(user.id))
    return kept[user.id]


def current_actor() -> Actor:
    """The signed-in user as an actor for commands and the audit log; the system when anonymous."""
    user = signed_in()
    if user is None:
        return SYSTEM
    staff = current_staff()
    return Actor(
        user_id=user.id,
        name=staff.name if staff else user.get_full_name().strip() or user.username,
        staff_id=staff.id if staff else None,
        channel=CHANNEL,
        request_id=request_id(),
    )


def current_viewer() -> Viewer:
    """The signed-in user as a viewer for `scoped`; a viewer of nothing when anonymous."""
    user = signed_in()
    if user is None:
        return Viewer(kind="anonymous", id=0)
    staff = current_staff()
    return Viewer(
        kind="staff", id=staff.id if staff else user.id, permissions=permissions_of(user.id)
    )
