"""Estimates as desk, portal and the job of their warnings look for them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, array
from sqlalchemy.orm import aliased, joinedload

from app.billing.models import Allocation, EntryValue, ExtraLine
from app.communications import actions_queries
from app.core.access import Viewer, scoped
from app.core.db import db
from app.core.errors import NotFoundError
from app.estimates import rules
from app.estimates.models import Estimate, EstimateCharge, EstimateLine
from app.estimates.rules import Burn, Change
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry, WorkType

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A version as a page shows it: what changed since the one before, and how much is used."""

    estimate: Estimate
    changes: Sequence[Change]
    before: Estimate | None
    burn: Burn | None

    @property
    def is_revision(self) -> bool:
        """Whether there is a version before it that the reader may see."""
        return self.before is not None


def versions(ticket_id: int) -> list[Shown]:
    """Every version of a ticket's estimate for staff, drafts too, the newest first."""
    return _listed(select(Estimate).where(Estimate.ticket_id == ticket_id))


def carried_to(ticket_id: int) -> list[tuple[Estimate, Burn | None]]:
    """Approved versions of other tickets that work on this one uses up, as those were merged."""
    query = (
        select(Estimate, used(Estimate))
        .where(Estimate.carried_by.contains([ticket_id]), _is_in_force())
        .options(joinedload(Estimate.ticket))
        .order_by(Estimate.id)
    )
    return [
        (row[0], _burn(row[0], row[1]) if row[0].work_seconds else None)
        for row in db.session.execute(query)
    ]


def seen_of_action(viewer: Viewer, action_id: int) -> Shown | None:
    """The version that an ACTION asks about, as a contact sees it; None when it is about none."""
    query = scoped(Estimate, viewer).where(Estimate.action_id == action_id)
    ticket_id = db.session.scalar(query.with_only_columns(Estimate.ticket_id))
    if ticket_id is None:
        return None
    found = _listed(scoped(Estimate, viewer).where(Estimate.ticket_id == ticket_id))
    return next(each for each in found if each.estimate.action_id == action_id)


def sent_after(viewer: Viewer, estimate: Estimate) -> Estimate | None:
    """The newer version that is open in place of one, where the contact may see it."""
    query = scoped(Estimate, viewer).where(
        Estimate.ticket_id == estimate.ticket_id,
        Estimate.version > estimate.version,
        Estimate.state == rules.SENT,
    )
    return db.session.scalars(query).one_or_none()


def seen(viewer: Viewer, estimate_id: int) -> Estimate:
    """A version that a contact may see. Raises `NotFoundError`."""
    query = scoped(Estimate, viewer).where(Estimate.id == estimate_id)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError("There is no such estimate for you.")
    return found


def sent_version(number: int, version: int) -> Estimate:
    """A version of a ticket, by its number, that was sent. Raises `NotFoundError`."""
    query = (
        select(Estimate)
        .join(Ticket, Ticket.id == Estimate.ticket_id)
        .where(Ticket.number == number, Estimate.version == version, Estimate.state != rules.DRAFT)
    )
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(f"#{number} has no version {version} that was sent.")
    return found


def _listed(query: Select[Any]) -> list[Shown]:
    rows = db.session.execute(
        query.add_columns(cast(used(Estimate), Text))  # rows are made unique, JSON cannot be
        .options(*with_lines())
        .order_by(Estimate.version.desc())
        .execution_options(populate_existing=True)
    )
    return shown([(row[0], row[1]) for row in rows.unique()])


def with_lines() -> Sequence[Any]:
    """What a page needs of each version, read with it."""
    return (
        joinedload(Estimate.lines),
        joinedload(Estimate.action),
        joinedload(Estimate.payer),
    )


def read(text: str) -> Any:
    """A JSON value that was read as text."""
    return json.loads(text)


def shown(rows: Sequence[tuple[Estimate, str]]) -> list[Shown]:
    """Versions, those of a ticket together and the newest first, with what `used` says as text."""
    burning: dict[int, int] = {}
    for estimate, _ in rows:
        if estimate.state == rules.APPROVED:
            burning.setdefault(estimate.ticket_id, estimate.id)
    found = []
    for place, (estimate, figures) in enumerate(rows):
        before = rows[place + 1][0] if place + 1 < len(rows) else None
        if before is not None and before.ticket_id != estimate.ticket_id:
            before = None
        new = [line.facts(estimate.currency) for line in estimate.lines]
        old = before.facts() if before else new
        is_burning = burning.get(estimate.ticket_id) == estimate.id and estimate.work_seconds > 0
        burn = _burn(estimate, read(figures)) if is_burning else None
        found.append(Shown(estimate, rules.difference(old, new), before, burn))
    return found


def _burn(estimate: Estimate, figures: Mapping[str, int]) -> Burn:
    return Burn(figures["seconds"], estimate.work_seconds, figures["minor"], estimate.work_minor)


def used(of: Any) -> ColumnElement[Any]:
    """Work that uses an approved version up, as {seconds, minor}; for a statement over `of`.

    All billable time on its ticket since `burns_from` that is neither rejected nor written off:
    as billed where it is billed, else as it is valued, else as long as it is billable. Where its
    ticket was merged into another one, also the time there since then, unless that one has an
    approved estimate of its own.
    """
    begins = case((TimeEntry.ticket_id == of.ticket_id, of.burns_from), else_=of.carried_from)
    own = aliased(Estimate)
    has_own = (
        exists()
        .where(
            own.ticket_id == TimeEntry.ticket_id,
            own.ticket_id != of.ticket_id,
            own.state == rules.APPROVED,
            own.work_seconds > 0,
            own.burns_from <= TimeEntry.work_date,
        )
        .correlate(TimeEntry, of)
    )
    minor = case((of.policy["prices"].astext == "exclusive", Allocation.amount_minor), else_=None)
    valued = case((EntryValue.currency == of.currency, EntryValue.amount_minor), else_=None)
    seconds = func.coalesce(
        Allocation.billed_seconds, EntryValue.billed_seconds, TimeEntry.billable_seconds
    )
    return (
        select(
            func.jsonb_build_object(
                *("seconds", func.coalesce(func.sum(seconds), 0)),
                *("minor", func.coalesce(func.sum(func.coalesce(minor, valued, 0)), 0)),
            )
        )
        .select_from(TimeEntry)
        .outerjoin(EntryValue, EntryValue.entry_id == TimeEntry.id)
        .outerjoin(
            Allocation,
            and_(
                Allocation.entry_id == TimeEntry.id,
                Allocation.released_at.is_(None),
                Allocation.kind != "credit",
            ),
        )
        .where(
            _works_on(of),
            TimeEntry.work_date >= begins,
            ~has_own,
            TimeEntry.billable_seconds > 0,
            TimeEntry.state != "rejected",
            Allocation.kind.is_distinct_from("write_off"),
        )
        .correlate(of)
        .scalar_subquery()
    )


def _works_on(of: Any) -> ColumnElement[bool]:
    """Whether time is of a version's ticket, or of one into which that was merged."""
    return TimeEntry.ticket_id == any_(func.array_prepend(of.ticket_id, of.carried_by))


def is_of(ticket_ids: Collection[int]) -> ColumnElement[bool]:
    """Whether the work of an estimate goes on at one of these tickets, or did before a merge."""
    return or_(Estimate.ticket_id.in_(ticket_ids), Estimate.carried_by.overlap(list(ticket_ids)))


def _is_in_force() -> ColumnElement[bool]:
    """Whether it is the last approved version."""
    later = aliased(Estimate)
    superseded = exists().where(
        later.ticket_id == Estimate.ticket_id,
        later.version > Estimate.version,
        later.state == rules.APPROVED,
    )
    return and_(Estimate.state == rules.APPROVED, ~superseded)


def _is_burning() -> ColumnElement[bool]:
    """Whether it is the version that work uses up now: the one in force, with hours."""
    return and_(_is_in_force(), Estimate.work_seconds > 0)


def in_force(ticket_id: int) -> Sequence[Estimate]:
    """The approved versions that count on a ticket, its own and those merged into it, held."""
    return db.session.scalars(
        select(Estimate)
        .where(is_of([ticket_id]), _is_in_force())
        .order_by(Estimate.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def burning(ticket_ids: Collection[int], *, lock: bool = False) -> list[tuple[Estimate, Burn]]:
    """The versions that work on these tickets uses up, by their ticket; `lock` holds them."""
    query = (
        select(Estimate, used(Estimate))
        .where(is_of(ticket_ids), _is_burning())
        .order_by(Estimate.ticket_id)
    )
    if lock:
        query = query.with_for_update(of=Estimate).execution_options(populate_existing=True)
    return [(row[0], _burn(row[0], row[1])) for row in db.session.execute(query)]


def tickets_of_entries(entry_ids: Collection[int]) -> list[int]:
    """Tickets of these entries on which an approved version is not fully warned of yet."""
    if not entry_ids:
        return []
    query = (
        select(TimeEntry.ticket_id)
        .join(
            Estimate,
            or_(  # as two indexes find it, however many estimates there are
                Estimate.ticket_id == TimeEntry.ticket_id,
                Estimate.carried_by.contains(array([TimeEntry.ticket_id])),
            ),
        )
        .where(
            TimeEntry.id.in_(entry_ids),
            Estimate.state == rules.APPROVED,
            Estimate.warned < rules.LEVELS[-1],
        )
        .distinct()
    )
    return [each for each in db.session.scalars(query) if each is not None]


def latest(ticket_id: int) -> Estimate | None:
    """The newest version, held until the end of the unit of work; drafts count."""
    return _first(select(Estimate).where(Estimate.ticket_id == ticket_id))


def in_state(ticket_id: int, state: str) -> Estimate | None:
    """The newest version in a state, held until the end of the unit of work."""
    return _first(select(Estimate).where(Estimate.ticket_id == ticket_id, Estimate.state == state))


def of_state(ticket_id: int, state: str) -> Estimate:
    """The same. Raises `NotFoundError`."""
    found = in_state(ticket_id, state)
    if found is None:
        raise NotFoundError(f"No estimate of this ticket is {state}: look at the ticket again.")
    return found


def version(ticket_id: int, number: int) -> Estimate:
    """One version, held. Raises `NotFoundError`."""
    query = select(Estimate).where(Estimate.ticket_id == ticket_id, Estimate.version == number)
    found = _first(query)
    if found is None:
        raise NotFoundError(f"There is no version {number} of this estimate.")
    return found


def about(action_id: int) -> Estimate:
    """The version that a request of kind estimate asks about, to be read only."""
    return db.session.scalars(select(Estimate).where(Estimate.action_id == action_id)).one()


def of_action(action_id: int) -> Estimate:
    """The version that a request of kind estimate asks about, held."""
    found = _first(select(Estimate).where(Estimate.action_id == action_id))
    if found is None:
        raise NotFoundError("The estimate that was asked about is gone.")
    return found


def _first(query: Select[Estimate]) -> Estimate | None:
    return db.session.scalars(
        query.order_by(Estimate.version.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def earlier(ticket_id: int, version: int) -> Sequence[Estimate]:
    """The versions before one, held, the oldest first."""
    return db.session.scalars(
        select(Estimate)
        .where(Estimate.ticket_id == ticket_id, Estimate.version < version)
        .order_by(Estimate.version)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def actions_of_sent(ticket_ids: Collection[int]) -> Sequence[int]:
    """The requests that ask about estimates sent on these tickets, by ticket."""
    found = db.session.scalars(
        select(Estimate.action_id)
        .where(Estimate.ticket_id.in_(ticket_ids), Estimate.state == rules.SENT)
        .order_by(Estimate.ticket_id)
    )
    return [each for each in found if each is not None]


def withdrawn_since(ticket_id: int, since: datetime) -> Estimate | None:
    """The version of a ticket that was withdrawn from a moment on, as long as it is the newest."""
    found = latest(ticket_id)
    if found is None or found.state != "withdrawn" or found.ended_at is None:
        return None
    return found if found.ended_at >= since else None


def was_ever_sent(ticket_id: int) -> bool:
    """Whether any estimate of a ticket, or of one merged into it, has gone to the client."""
    query = select(Estimate.id).where(is_of([ticket_id]), Estimate.state != rules.DRAFT)
    return db.session.scalar(query.limit(1)) is not None


def keys_of(ticket_id: int) -> set[int]:
    """The keys that lines of a ticket's estimate have, in any version."""
    query = (
        select(EstimateLine.key)
        .join(EstimateLine.estimate)
        .where(Estimate.ticket_id == ticket_id)
        .distinct()
    )
    return set(db.session.scalars(query))


def work_types_among(ids: Iterable[int | None]) -> set[int]:
    """Those of these ids that are work types."""
    return set(db.session.scalars(select(WorkType.id).where(WorkType.id.in_(set(ids) - {None}))))


def charged(ticket_id: int) -> list[tuple[EstimateCharge, ExtraLine]]:
    """By which extra lines a ticket's estimates are billed, or wait to be; removed ones not."""
    query = (
        select(EstimateCharge, ExtraLine)
        .join(EstimateCharge.estimate)
        .join(EstimateCharge.extra_line)
        .where(Estimate.ticket_id == ticket_id, ExtraLine.removed_at.is_(None))
        .order_by(EstimateCharge.id)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def waiting_lines(ticket_id: int, order: str) -> list[ExtraLine]:
    """The unbilled extra lines of a ticket's estimates, held until the commit.

    Those of tickets that were merged into it, if ordered by this `order`.
    """
    carried = Estimate.carried_by.contains([ticket_id]) & (ExtraLine.purchase_order == order)
    query = (
        select(ExtraLine)
        .join(EstimateCharge, EstimateCharge.extra_line_id == ExtraLine.id)
        .join(EstimateCharge.estimate)
        .where((Estimate.ticket_id == ticket_id) | carried)
        .where(ExtraLine.removed_at.is_(None), ExtraLine.document_id.is_(None))
        .order_by(ExtraLine.id)
        .with_for_update(of=ExtraLine)
        .execution_options(populate_existing=True)
    )
    return [*db.session.scalars(query)]


def approver_of(ticket: Ticket) -> int | None:
    """Who is asked unless another is chosen: who approves for the company, else who asked."""
    found = actions_queries.deciders(ticket.company_id, "approver")
    return found[0].contact_id if found else ticket.requester_id


def shown_on_desk(ticket: Ticket) -> Any:
    """A ticket's versions, the newest first, as one JSON value, for the page that asks once.

    After its own come approved ones of tickets that were merged into it, with their number.
    """
    origin = aliased(Ticket)
    is_own = Estimate.ticket_id == ticket.id
    rows = (
        select(
            Estimate.version,
            is_own.label("is_own"),
            origin.number,
            Estimate.state,
            Estimate.currency,
            Estimate.valid_until,
            Estimate.work_seconds,
            Estimate.work_minor,
            (Estimate.net_minor + Estimate.tax_minor + Estimate.rounding_minor).label("total"),
            case((_is_burning(), used(Estimate)), else_=None).label("used"),
        )
        .join(origin, origin.id == Estimate.ticket_id)
        .where(or_(is_own, and_(is_of([ticket.id]), _is_in_force())))
        .order_by(is_own.desc(), Estimate.version.desc())
        .limit(MOST_SHOWN)
        .subquery()
    )
    each = func.jsonb_build_object(
        *("version", rows.c.version, "state", rows.c.state, "currency", rows.c.currency),
        *("valid_until", rows.c.valid_until, "total", rows.c.total),
        *("seconds", rows.c.work_seconds, "minor", rows.c.work_minor, "used", rows.c.used),
        *("of", case((rows.c.is_own, None), else_=rows.c.number)),
    )
    found = func.jsonb_agg(
        aggregate_order_by(each, rows.c.is_own.desc(), rows.c.version.desc(), rows.c.number)
    )
    return select(func.coalesce(found, func.jsonb_build_array())).scalar_subquery()


def burn_of(row: Mapping[str, Any]) -> Burn:
    """How much is used of a version as `shown_on_desk` tells of it."""
    return Burn(row["used"]["seconds"], row["seconds"], row["used"]["minor"], row["minor"])
