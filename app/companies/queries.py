"""Every select over companies, contacts and what they belong to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.companies.models import BillTo, Company, Contact, ContactEmail, Membership
from app.companies.visibility import may_sign_in
from app.core.db import Model, db
from app.core.models import Agency
from app.imports.values import fold_name

DEEPEST = 50
MOST_BELOW = 1000  # rows of one page of the tree
USUAL_LANGUAGE = select(Agency.language).where(Agency.id == 1).scalar_subquery()
USUAL_ZONE = select(Agency.zone).where(Agency.id == 1).scalar_subquery()


def escaped(text: str) -> str:
    """Text for a LIKE pattern, taken literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _nearness(column: Any, text: str) -> ColumnElement[int]:
    """Sort whole names first, then those that begin so, then the rest."""
    key = fold_name(text)
    return case((column == key, 0), (column.startswith(key, autoescape=True), 1), else_=2)


def company_search(text: str) -> Select[Any]:
    """Id, name and note of companies in use whose name or reference holds what was typed."""
    above = aliased(Company)
    return (
        select(Company.id, Company.name, func.concat_ws(" · ", above.name, Company.billing_city))
        .outerjoin(above, above.id == Company.parent_id)
        .where(
            Company.archived_at.is_(None),
            Company.name.ilike(f"%{escaped(text)}%") | (Company.external_id == text),
        )
        .order_by(_nearness(Company.name_key, text), Company.name_key, Company.id)
    )


def company_found(company_id: int) -> Select[*tuple[Any, ...]]:
    """Id, name and note of one company."""
    return select(Company.id, Company.name, Company.billing_city).where(Company.id == company_id)


def contact_search(text: str) -> Select[Any]:
    """Id, name and note of contacts in use whose name or an e-mail holds what was typed."""
    pattern = f"%{escaped(text)}%"
    address = exists().where(
        ContactEmail.contact_id == Contact.id, cast(ContactEmail.address, String).ilike(pattern)
    )
    return (
        select(Contact.id, Contact.name, _company_name(Contact.id))
        .where(Contact.archived_at.is_(None), Contact.name.ilike(pattern) | address)
        .order_by(_nearness(Contact.name_key, text), Contact.name_key, Contact.id)
    )


def contact_found(contact_id: int) -> Select[Any]:
    """Id, name and note of one contact."""
    return select(Contact.id, Contact.name, _company_name(Contact.id)).where(
        Contact.id == contact_id
    )


def _company_name(contact_id: Any) -> Any:
    return (
        select(Company.name)
        .join(Membership, Membership.company_id == Company.id)
        .where(Membership.contact_id == contact_id, Membership.is_primary)
        .scalar_subquery()
    )


def ancestors(company_id: int) -> list[Company]:
    """The companies above this one, the topmost first."""
    start = select(Company.parent_id.label("id"), literal(1).label("depth")).where(
        Company.id == company_id
    )
    above = start.cte("above", recursive=True)
    above = above.union_all(
        select(Company.parent_id, above.c.depth + 1).where(
            Company.id == above.c.id, above.c.depth < DEEPEST
        )
    )
    query = select(Company).join(above, above.c.id == Company.id).order_by(above.c.depth.desc())
    return list(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class Branch:
    """A company in the tree, with those below it."""

    company: Company
    children: "list[Branch]"


@dataclass(frozen=True, slots=True)
class Tree:
    """Topmost companies with what stands below; `cut` says that not all of it is here."""

    branches: list[Branch]
    cut: bool


def tree(*, root_id: int | None = None, page: int = 1, size: int = 50) -> Tree:
    """A page of topmost companies, or one company, each with what stands below, nearest first."""
    tops = select(Company.id).where(
        Company.id == root_id if root_id else Company.parent_id.is_(None)
    )
    if not root_id:
        tops = tops.order_by(Company.name_key, Company.id).offset((page - 1) * size).limit(size)
    start = select(tops.subquery().c.id, literal(0).label("depth"))
    below = start.cte("below", recursive=True)
    below = below.union_all(
        select(Company.id, below.c.depth + 1).where(
            Company.parent_id == below.c.id, below.c.depth < DEEPEST
        )
    )
    rows = db.session.execute(
        select(Company, below.c.depth)
        .join(below, below.c.id == Company.id)
        .order_by(below.c.depth, Company.name_key, Company.id)
        .limit(MOST_BELOW + 1)
    ).all()
    branches: dict[int, Branch] = {}
    found = []
    for company, depth in rows[:MOST_BELOW]:
        branch = branches[company.id] = Branch(company, [])
        if depth:
            branches[company.parent_id].children.append(branch)
        else:
            found.append(branch)
    return Tree(found, cut=len(rows) > MOST_BELOW)


def count_tops() -> int:
    """How many companies stand under no other."""
    return db.session.scalar(select(func.count()).where(Company.parent_id.is_(None))) or 0


def bill_to_rows(company_id: int) -> Sequence[BillTo]:
    """Who pays for a company, by date."""
    query = (
        select(BillTo)
        .where(BillTo.company_id == company_id)
        .options(joinedload(BillTo.payer))
        .order_by(func.lower(BillTo.valid).nulls_first())
    )
    return db.session.scalars(query).all()


def pays_for_others(company_id: int) -> bool:
    """Whether any dated row names this company as payer of another."""
    found = exists().where(BillTo.payer_id == company_id, BillTo.company_id != company_id)
    return bool(db.session.scalar(select(found)))


def people_of(company_id: int, *, most: int = 100) -> Sequence[Membership]:
    """The memberships of a company, with contact and e-mails, by name."""
    query = (
        select(Membership)
        .join(Contact)
        .where(Membership.company_id == company_id, Contact.archived_at.is_(None))
        .options(joinedload(Membership.contact).selectinload(Contact.emails))
        .order_by(Contact.name_key, Membership.id)
        .limit(most)
    )
    return db.session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class Followers:
    """Whose shown address changes with a company's billing address, and who keeps an own one."""

    changing: tuple[str, ...]
    keeping: tuple[str, ...]


def address_followers(company_id: int) -> Followers:
    """The contacts whose primary company this is, by whether they use its address."""
    rows = db.session.execute(
        select(Contact.name, Contact.use_company_address)
        .join(Membership, Membership.contact_id == Contact.id)
        .where(
            Membership.company_id == company_id,
            Membership.is_primary,
            Contact.archived_at.is_(None),
        )
        .order_by(Contact.name_key)
    ).all()
    return Followers(
        tuple(row.name for row in rows if row.use_company_address),
        tuple(row.name for row in rows if not row.use_company_address),
    )


def uses(table: str, row_id: int, *, own: frozenset[str] = frozenset()) -> list[str]:
    """The tables whose rows point to a row, found from the foreign keys, in one statement.

    `own` are tables whose rows are part of the row itself.
    """
    questions = []
    for other in Model.metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table.name == table and other.name not in own:
                found = exists(select(1).select_from(other).where(key.parent == row_id))
                questions.append(select(literal(other.name).label("name")).where(found))
    rows = union_all(*questions) if questions else select(literal("")).where(false())
    return sorted(set(db.session.scalars(rows)))


def namesakes(name_key: str, *, but: int | None = None) -> Sequence[Company]:
    """Companies in use that have this folded name and no external id."""
    query = select(Company).where(
        Company.name_key == name_key,
        Company.external_id.is_(None),
        Company.archived_at.is_(None),
    )
    return db.session.scalars(query.where(Company.id != but) if but else query).all()


def owners_of(addresses: Sequence[str], *, but: int | None = None) -> dict[str, str]:
    """Which of these e-mail addresses belong to somebody else: address to name."""
    query = (
        select(ContactEmail.address, Contact.name)
        .join(Contact)
        .where(ContactEmail.address.in_(addresses))
    )
    if but:
        query = query.where(Contact.id != but)
    return {row.address: row.name for row in db.session.execute(query)}


def addresses_of(contact_id: int) -> list[str]:
    """All e-mail addresses of a contact."""
    query = select(ContactEmail.address).where(ContactEmail.contact_id == contact_id)
    return list(db.session.scalars(query))


def contact_with_all(contact_id: int) -> Contact | None:
    """A contact with e-mails and memberships with their companies."""
    return db.session.scalars(
        select(Contact)
        .where(Contact.id == contact_id)
        .options(
            selectinload(Contact.emails),
            selectinload(Contact.memberships).joinedload(Membership.company),
        )
    ).one_or_none()


class Reading(NamedTuple):
    """The language in which somebody reads, the zone in which they read times.

    `comes_in` says whether the portal lets them in.
    """

    language: str
    zone: str
    comes_in: bool = True


def readings_of(contact_ids: Iterable[int | None]) -> dict[int | None, Reading]:
    """How contacts read: their own way, else their primary company's, else the agency's."""
    known = {each for each in contact_ids if each is not None}
    if not known:
        return {}
    language = func.coalesce(Contact.language, Company.language, USUAL_LANGUAGE)
    zone = func.coalesce(Contact.zone, Company.zone, USUAL_ZONE)
    read = (language.label("language"), zone.label("zone"), may_sign_in().label("comes_in"))
    query = _at_home(select(Contact.id, *read))
    rows = db.session.execute(query.where(Contact.id.in_(known)))
    return {row.id: Reading(row.language, row.zone, row.comes_in) for row in rows}


def language_of(contact_id: int) -> str | None:
    """The language that a contact, else their primary company, is known to read; None for none."""
    query = _at_home(select(func.coalesce(Contact.language, Company.language)))
    found: str | None = db.session.scalar(query.where(Contact.id == contact_id))
    return found


def _at_home(query: Any) -> Any:
    """The query of contacts with their primary company, where they have one."""
    of_contact = and_(Membership.contact_id == Contact.id, Membership.is_primary)
    return query.outerjoin(Membership, of_contact).outerjoin(
        Company, Company.id == Membership.company_id
    )


def usual_language() -> str:
    """The language of clients for whom none is known."""
    return db.session.scalars(select(Agency.language)).one()
