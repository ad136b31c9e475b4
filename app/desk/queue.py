"""The ticket queue: saved views, filters of the address, and pages by key, not by offset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import ColumnElement, Row, Select, and_, func, not_, or_, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from app.companies.models import Company, Contact
from app.core.db import db
from app.core.errors import RuleError
from app.staff.models import Department, Staff
from app.staff.queries import is_gone
from app.tickets import queries as ticket_queries
from app.tickets.models import OPEN_CATEGORIES, PRIORITIES, Ticket, TicketStatus
from app.tickets.queue_models import SavedView
from app.tickets.request_models import RequestType
from app.tickets.sla_queries import promise
from app.timelog.models import TimeEntry
from app.timelog.queries import ALLOCATION, is_live
from app.vault.recognising import concealed

VIEWS = {
    "mine": "Mine",
    "unassigned": "Unassigned",
    "waiting": "Waiting",
    "open": "All open",
    "all": "All",
}
ROWS = 50
MOST_AT_ONCE = 5_000
LONGEST_READ, LONGEST_TOLD = 2_000, 160
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for. `after` and `before` are keys of rows at a page's edge."""

    view: str = "mine"
    q: str = ""
    status: int | None = None
    department: int | None = None
    assignee: int | None = None
    priority: str = ""
    company: int | None = None
    tag: str = ""
    saved: int | None = None
    oldest: bool = False
    after: str = ""
    before: str = ""

    @classmethod
    def of(cls, args: Mapping[str, str]) -> "Filters":
        """Read an address; what makes no sense in it is left out."""
        view, priority = args.get("view", "mine"), args.get("priority", "")
        numbers = {name: _number(args.get(name, "")) for name in NUMBERS}
        return cls(
            view=view if view in VIEWS else "mine",
            q=args.get("q", "").strip()[:200],
            priority=priority if priority in PRIORITIES else "",
            tag=args.get("tag", "").strip().casefold()[:40],
            oldest=args.get("sort") == "oldest",
            after=args.get("after", ""),
            before=args.get("before", ""),
            **numbers,
        )

    def address(self, **changes: Any) -> dict[str, Any]:
        """The arguments of the address of these filters, changed; the page starts anew."""
        wanted = replace(self, **{"after": "", "before": "", **changes})
        given = {
            "view": wanted.view,
            "q": wanted.q,
            "priority": wanted.priority,
            "tag": wanted.tag,
            "sort": "oldest" if wanted.oldest else "",
            "after": wanted.after,
            "before": wanted.before,
            **{name: getattr(wanted, name) for name in NUMBERS},
        }
        return {name: value for name, value in given.items() if value not in ("", None)}

    @property
    def narrowed(self) -> bool:
        """Whether anything but the view is asked for."""
        texts = self.q or self.priority or self.tag
        return bool(texts or any(getattr(self, name) for name in NARROWING))


NARROWING = ("status", "department", "assignee", "company")
NUMBERS = (*NARROWING, "saved")
LARGEST_ID = 2**62


def _number(text: str) -> int | None:
    usable = text.isascii() and text.isdecimal() and 0 < len(text) < 19  # noqa: PLR2004 - bigint
    return int(text) if usable and int(text) < LARGEST_ID else None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the queue, and the keys from which its neighbours begin (None: there is none)."""

    rows: Sequence[Row[Any]]
    newer: str | None
    older: str | None


def page(filters: Filters, *, staff_id: int | None) -> Page:
    """One page of tickets with all that a row shows, in one statement at any number of them."""
    query = _narrowed(filters, staff_id)
    backwards = bool(filters.before)
    ascending = filters.oldest != backwards
    key = tuple_(Ticket.last_event_at, Ticket.id)
    edge = _key_of(filters.before if backwards else filters.after)
    if edge is not None:
        query = query.where(key > edge if ascending else key < edge)
    order = (
        (Ticket.last_event_at.asc(), Ticket.id.asc())
        if ascending
        else (Ticket.last_event_at.desc(), Ticket.id.desc())
    )
    rows = list(db.session.execute(query.order_by(*order).limit(ROWS + 1)))
    more, rows = len(rows) > ROWS, rows[:ROWS]
    if backwards:
        rows.reverse()
    before = more if backwards else edge is not None
    after = edge is not None if backwards else more
    return Page(
        rows,
        key_text(rows[0]) if rows and before else None,
        key_text(rows[-1]) if rows and after else None,
    )


def key_text(row: Row[Any]) -> str:
    """The key of a row as it stands in an address."""
    return f"{(row.last_event_at - EPOCH) // MICROSECOND}-{row.id}"


def _key_of(text: str) -> tuple[datetime, int] | None:
    at, _, ticket_id = text.partition("-")
    if not (_number(at) and _number(ticket_id)):
        return None
    try:
        return EPOCH + int(at) * MICROSECOND, int(ticket_id)
    except OverflowError:
        return None


def _narrowed(filters: Filters, staff_id: int | None) -> Select[Any]:
    parent = aliased(Company)
    query: Any = (  # twenty columns of as many types: more than its type can say
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Ticket.category,
            Ticket.priority,
            Ticket.created_at,
            Ticket.last_event_at,
            Ticket.due_at,
            Ticket.tags,
            TicketStatus.name.label("status"),
            Company.id.label("company_id"),
            Company.name.label("company"),
            parent.name.label("parent"),
            Contact.name.label("requester"),
            Staff.name.label("assignee"),
            Department.name.label("department"),
            RequestType.name.label("nature"),
            unbilled_seconds().label("unbilled"),
            promise(Ticket.id).label("promise"),
            ticket_queries.client_said(Ticket.id, LONGEST_READ).label("said"),
        )
        .join(TicketStatus, TicketStatus.id == Ticket.status_id)
        .join(Company, Company.id == Ticket.company_id)
        .outerjoin(parent, parent.id == Company.parent_id)
        .outerjoin(Contact, Contact.id == Ticket.requester_id)
        .outerjoin(Staff, Staff.id == Ticket.assignee_id)
        .outerjoin(Department, Department.id == Ticket.department_id)
        .outerjoin(RequestType, RequestType.id == Ticket.request_type_id)
        .where(*conditions(filters, staff_id))
    )
    narrowed: Select[Any] = query
    return narrowed


@dataclass(frozen=True, slots=True)
class Said:
    """What the client wrote last: when, and how it begins, in one line; empty for files alone."""

    at: datetime
    words: str


def said(last: Mapping[str, str] | None) -> Said | None:
    """How a row tells it, without what looks like a password; None where they wrote nothing.

    A password may stand below the word for it: it is looked for in the one line too.
    """
    if last is None:
        return None
    line = concealed(" ".join(concealed(last["text"]).split()))
    return Said(datetime.fromisoformat(last["at"]), line[:LONGEST_TOLD])


def matching(address: str, *, staff_id: int | None) -> list[int]:
    """The ids of all tickets of the queue at an address of it, at most `MOST_AT_ONCE`.

    Raises `RuleError` when there are more.
    """
    filters = Filters.of(dict(parse_qsl(urlsplit(address).query)))
    query = select(Ticket.id).where(*conditions(filters, staff_id)).order_by(Ticket.id)
    ids = list(db.session.scalars(query.limit(MOST_AT_ONCE + 1)))
    if len(ids) > MOST_AT_ONCE:
        raise RuleError(
            f"More than {MOST_AT_ONCE} tickets match: narrow the filters and go step by step."
        )
    return ids


def conditions(filters: Filters, staff_id: int | None) -> list[ColumnElement[bool]]:
    """What a ticket must be to stand in the queue under these filters."""
    found = [*_view(filters.view, staff_id)]
    for column, value in (
        (Ticket.status_id, filters.status),
        (Ticket.department_id, filters.department),
        (Ticket.assignee_id, filters.assignee),
        (Ticket.company_id, filters.company),
        (Ticket.priority, filters.priority or None),
    ):
        if value is not None:
            found.append(column == value)
    if filters.tag:
        found.append(Ticket.tags.contains([filters.tag]))
    if filters.q:
        found.append(ticket_queries.answers_to(filters.q))
    return found


def _view(view: str, staff_id: int | None) -> tuple[ColumnElement[bool], ...]:
    is_open = Ticket.category.in_(OPEN_CATEGORIES)
    return {
        "mine": (is_open, Ticket.assignee_id == staff_id),
        "unassigned": (is_open, ticket_queries.is_nobodys()),
        "waiting": (Ticket.category == "waiting", is_open),
        "open": (is_open,),
        "all": (),
    }[view]


def is_billed() -> ColumnElement[bool]:
    """Whether an entry stands on an invoice or is written off."""
    return (
        select(ALLOCATION.c.entry_id)
        .where(ALLOCATION.c.entry_id == TimeEntry.id, is_live())
        .correlate(TimeEntry)
        .exists()
    )


def unbilled_seconds() -> ColumnElement[int]:
    """Billable seconds of a ticket that stand on no invoice and are not written off."""
    return (
        select(func.coalesce(func.sum(TimeEntry.billable_seconds), 0))
        .where(and_(TimeEntry.ticket_id == Ticket.id, not_(is_billed())))
        .correlate(Ticket)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands in the filters and the bulk bar, and the number beside each view."""

    counts: Mapping[str, int]
    saved: Mapping[int, int]
    statuses: Sequence[tuple[int, str]]
    staff: Sequence[tuple[int, str]]
    departments: Sequence[tuple[int, str]]
    company: str | None


def choices(filters: Filters, *, staff_id: int | None, views: Sequence[SavedView] = ()) -> Choices:
    """Counts, those of the saved views included, and choices; in one statement."""
    counts = [
        select(func.count()).select_from(Ticket).where(*_view(view, staff_id)).scalar_subquery()
        for view in VIEWS
    ]
    saved = [_count_of(Filters.of(_texts(view.address)), staff_id) for view in views]
    row = db.session.execute(
        select(
            *(count.label(f"saved_{view.id}") for view, count in zip(views, saved, strict=True)),
            *(count.label(f"count_{view}") for view, count in zip(VIEWS, counts, strict=True)),
            pairs(TicketStatus.id, TicketStatus.name, TicketStatus.position).label("statuses"),
            pairs(
                Staff.id, Staff.name, Staff.name, or_(~is_gone(), Staff.id == filters.assignee)
            ).label("staff"),
            pairs(
                Department.id, Department.name, Department.name, Department.archived_at.is_(None)
            ).label("departments"),
            select(Company.name)
            .where(Company.id == filters.company)
            .scalar_subquery()
            .label("company"),
        )
    ).one()
    return Choices(
        {view: getattr(row, f"count_{view}") for view in VIEWS},
        {view.id: getattr(row, f"saved_{view.id}") for view in views},
        [tuple(pair) for pair in row.statuses],
        [tuple(pair) for pair in row.staff],
        [tuple(pair) for pair in row.departments],
        row.company,
    )


def _texts(address: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in address.items()}


def _count_of(filters: Filters, staff_id: int | None) -> ColumnElement[int]:
    rows = select(func.count()).select_from(Ticket).where(*conditions(filters, staff_id))
    return rows.scalar_subquery()


def pairs(
    key: Any, name: Any, order: Any, *where: ColumnElement[bool]
) -> ColumnElement[Sequence[Sequence[Any]]]:
    """A table as [[id, name], …] in one value, so that many lists cost one statement."""
    pair = func.jsonb_build_array(key, name)
    ordered = func.jsonb_agg(aggregate_order_by(pair, order, key))
    return select(func.coalesce(ordered, func.jsonb_build_array())).where(*where).scalar_subquery()
