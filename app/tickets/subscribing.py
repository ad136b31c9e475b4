"""Who follows a ticket. The caller opens the unit of work."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.companies.models import Contact
from app.companies.visibility import people_near
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say
from app.staff.models import Staff
from app.tickets import endings, merged, notifications
from app.tickets.models import Mute, Subscription, Ticket


def subscribe(
    ticket: Ticket,
    *,
    actor: Actor,
    source: str,
    contact_id: int | None = None,
    staff_id: int | None = None,
) -> bool:
    """Let somebody follow a ticket: staff, or a contact of its company's tree with portal access.

    A contact is mailed who added them. Twice is once; a follower who is muted stays so. Returns
    whether they did not follow before. Raises `RuleError` for anybody else.
    """
    merged.ensure_goes_on(ticket, actor=actor)
    _ensure_may_follow(ticket, contact_id, staff_id)
    is_new = ensure_subscribed(ticket, contact_id=contact_id, staff_id=staff_id, source=source)
    if contact_id is not None:
        notifications.added(ticket, [contact_id], actor=actor)
    record(
        actor,
        "ticket.subscribe",
        kind="ticket",
        id=ticket.id,
        after={"contact": contact_id, "staff": staff_id, "source": source},
    )
    return is_new


def unsubscribe(
    ticket: Ticket, *, actor: Actor, contact_id: int | None = None, staff_id: int | None = None
) -> bool:
    """Let somebody no longer follow a ticket; returns whether they did.

    Raises `RuleError` for who must see it still.
    """
    reasons = endings.reasons_to_follow(ticket, contact_id) if contact_id is not None else []
    if reasons and contact_id != ticket.requester_id:
        raise RuleError(*reasons)
    gone = db.session.scalar(
        delete(Subscription)
        .where(Subscription.ticket_id == ticket.id, _is(contact_id, staff_id))
        .returning(Subscription.id)
    )
    if gone is not None:
        record(
            actor,
            "ticket.unsubscribe",
            kind="ticket",
            id=ticket.id,
            before={"contact": contact_id, "staff": staff_id},
        )
    return gone is not None


def mute(ticket: Ticket, *, contact_id: int, muted: bool) -> None:
    """Stop the mails of a ticket to a contact who takes part, or let them come again."""
    ensure_subscribed(ticket, contact_id=contact_id, source="self")
    row = {"ticket_id": ticket.id, "contact_id": contact_id}
    if muted:
        _mute([row | {"muted_at": clock.now()}])
    else:
        db.session.execute(delete(Mute).filter_by(**row))


def _mute(rows: Sequence[dict[str, Any]]) -> None:
    db.session.execute(insert(Mute).values(rows).on_conflict_do_nothing())


def add_colleagues(ticket: Ticket, contact_ids: Collection[int], *, actor: Actor) -> None:
    """Let colleagues follow a request from its start, in as few statements for many as for one.

    They are mailed who added them; whether they may follow was asked before.
    """
    rows = [
        {"ticket_id": ticket.id, "contact_id": each, "source": "colleague"}
        for each in sorted(set(contact_ids))
    ]
    if rows:
        db.session.execute(insert(Subscription).values(rows).on_conflict_do_nothing())
        notifications.added(ticket, contact_ids, actor=actor)


def ensure_subscribed(
    ticket: Ticket, *, source: str, contact_id: int | None = None, staff_id: int | None = None
) -> bool:
    """Write the row unless it is there, and say so; nobody is asked whether they may."""
    row = (
        insert(Subscription)
        .values(ticket_id=ticket.id, contact_id=contact_id, staff_id=staff_id, source=source)
        .on_conflict_do_nothing()
        .returning(Subscription.id)
    )
    return db.session.scalar(row) is not None


def let_all_follow(ticket: Ticket, other: Ticket) -> None:
    """Let requester and followers of a ticket follow another one; who is muted stays muted."""
    held = db.session.scalars(select(Subscription).where(Subscription.ticket_id == ticket.id)).all()
    rows = [(each.contact_id, each.staff_id, each.source) for each in held]
    if ticket.requester_id not in {None, *(row[0] for row in rows)}:
        rows.append((ticket.requester_id, None, "staff"))
    names = ("contact_id", "staff_id", "source")
    wanted = [
        {"ticket_id": other.id, **dict(zip(names, row, strict=True))}
        for row in rows
        if row[0] is None or row[0] != other.requester_id
    ]
    if not wanted:
        return
    new = insert(Subscription).values(wanted).on_conflict_do_nothing()
    added = set(db.session.scalars(new.returning(Subscription.contact_id)))
    muted = [
        {"ticket_id": other.id, "contact_id": each.contact_id, "muted_at": each.muted_at}
        for each in held
        if each.muted_at and each.contact_id in added
    ]
    if muted:
        _mute(muted)


def _ensure_may_follow(ticket: Ticket, contact_id: int | None, staff_id: int | None) -> None:
    if contact_id is not None:
        near = people_near(ticket.company_id).where(Contact.id == contact_id)
        if db.session.scalar(near) is None:
            raise RuleError(
                say(
                    "Only colleagues of the same company with access to the portal can follow a"
                    " request: invite them first."
                )
            )
    elif staff_id is not None:
        known = select(Staff.id).where(Staff.id == staff_id, Staff.archived_at.is_(None))
        if db.session.scalar(known) is None:
            raise RuleError(f"There is nobody {staff_id} on the staff list: choose one of it.")


def _is(contact_id: int | None, staff_id: int | None) -> Any:
    if contact_id is not None:
        return Subscription.contact_id == contact_id
    return Subscription.staff_id == staff_id
