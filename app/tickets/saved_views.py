"""Filters of the queue kept under a name. The caller opens the unit of work."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.tickets import rules, sharing
from app.tickets.queue_models import SavedView

LONGEST_NAME = 60
MOST = 12
"""Of those for everybody, and as many of one's own."""


def of(staff_id: int | None) -> Sequence[SavedView]:
    """The views a person sees: everybody's first, then their own, by name."""
    return db.session.scalars(
        select(SavedView)
        .where(or_(SavedView.staff_id.is_(None), SavedView.staff_id == staff_id))
        .order_by(SavedView.staff_id.is_not(None), SavedView.name, SavedView.id)
        .options(joinedload(SavedView.owner))
    ).all()


def default_of(views: Sequence[SavedView], roles: Collection[str]) -> SavedView | None:
    """The view that the queue opens with for people of these roles, if there is one."""
    return next((view for view in views if view.role in roles), None)


def save(
    *,
    actor: Actor,
    name: str,
    address: Mapping[str, Any],
    staff_id: int,
    shared: bool,
    curates: bool = False,
) -> SavedView:
    """Keep filters under a name, over those of the same name.

    Raises `RuleError`; what is shared is changed by who saved it first, and by who `curates`.
    """
    name = rules.clean_line(name)
    if not name:
        raise RuleError("The name is empty: say in a word or two what the view shows.")
    if len(name) > LONGEST_NAME:
        raise RuleError(f"The name has {len(name)} characters, at most {LONGEST_NAME} fit.")
    whose = None if shared else staff_id
    alike = [view for view in of(staff_id) if view.staff_id == whose]
    kept = next((view for view in alike if view.name == name), None)
    if kept is None:
        if len(alike) >= MOST:
            there = f"There are {MOST} views for everybody" if shared else f"You have {MOST} views"
            raise RuleError(f"{there} already: delete one first.")
        kept = SavedView(name=name, staff_id=whose, owner_id=staff_id)
        db.session.add(kept)
    else:
        sharing.ensure_may_change(kept, staff_id=staff_id, curates=curates)
    kept.address = dict(address)
    db.session.flush()
    record(actor, "view.save", kind="saved_view", id=kept.id, after={"name": name, **kept.address})
    return kept


def make_default(view: SavedView, *, actor: Actor, role: str) -> None:
    """Let the queue open with a shared view for the people of a role; empty for nobody."""
    if role and view.staff_id is not None:
        raise RuleError(f"“{view.name}” is your own: share it before it becomes a default.")
    if role:
        db.session.execute(update(SavedView).where(SavedView.role == role).values(role=None))
    view.role = role or None
    db.session.flush()
    record(actor, "view.default", kind="saved_view", id=view.id, after={"role": view.role})


def remove(view: SavedView, *, actor: Actor, staff_id: int, curates: bool = False) -> None:
    """Delete a view; the tickets stay as they are. Raises `RuleError` as `save` does."""
    sharing.ensure_may_change(view, staff_id=staff_id, curates=curates)
    record(actor, "view.remove", kind="saved_view", id=view.id, before={"name": view.name})
    db.session.delete(view)


def one(view_id: int, *, staff_id: int | None) -> SavedView:
    """A view this person sees: everybody's, or their own. Else `NotFoundError`."""
    found = db.session.scalars(
        select(SavedView).where(
            SavedView.id == view_id,
            or_(SavedView.staff_id.is_(None), SavedView.staff_id == staff_id),
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such view.")
    return found
