"""What of companies and people a contact may see, and the contact as a viewer.

A place in a company reaches its departments and sites; a manager's reaches everything below. The
people of a tree may take part on each other's tickets: those of the same house (a company with
its departments and sites, and what stands below) and those of the companies above it.
"""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, and_, exists, or_, select, text

from app.companies.account_models import PortalAccount
from app.companies.models import Company, Contact, Membership
from app.core import clock
from app.core.access import Viewer, scope_of
from app.core.db import db

CONTACT = "contact"

# What stands above and below the places in `mine`, and their houses: the same seen from either end.
NEAR = """
climb as (
  select c.id, c.parent_id, c.kind from company c join mine on mine.id = c.id
  union
  select c.id, c.parent_id, c.kind from company c join climb on climb.parent_id = c.id
  where climb.kind in ('department', 'site')
), house as (
  select id from climb
  union
  select c.id from company c join house on c.parent_id = house.id
  where c.kind in ('department', 'site')
), above as (
  select id, parent_id from climb
  union
  select c.id, c.parent_id from company c join above on above.parent_id = c.id
), below as (
  select id from mine
  union
  select c.id from company c join below on c.parent_id = below.id
), near as (
  select id from above union select id from below union select id from house
)
"""
# One row a company: whether the contact belongs there, and which roles reach it.
REACH = text(f"""
with recursive mine as (
  select m.company_id as id, m.role from membership m
  join contact p on p.id = m.contact_id and p.archived_at is null
  where m.contact_id = :contact_id
    and (m.valid_from is null or m.valid_from <= :today)
    and (m.valid_to is null or m.valid_to > :today)
), reach as (
  select id, role from mine
  union
  select c.id, r.role from company c join reach r on c.parent_id = r.id
  where r.role = 'manager' or c.kind in ('department', 'site')
), {NEAR}
select near.id,
       exists (select 1 from mine where mine.id = near.id) as belongs,
       array(select distinct role from reach where reach.id = near.id) as roles
from near
""")
NEAR_COMPANY = text(
    f"with recursive mine as (select cast(:company_id as bigint) as id), {NEAR} select id from near"
)


def viewer_of(contact_id: int, *, today: date | None = None) -> Viewer:
    """The contact with all that their places in companies open to them, in one statement."""
    rows = db.session.execute(
        REACH, {"contact_id": contact_id, "today": today or clock.today()}
    ).all()

    def with_role(role: str) -> frozenset[int]:
        return frozenset(row.id for row in rows if role in row.roles)

    manages = with_role("manager")
    return Viewer(
        kind=CONTACT,
        id=contact_id,
        company_ids=frozenset(row.id for row in rows if row.belongs) | manages,
        near=frozenset(row.id for row in rows),
        manages=manages,
        pays_for=with_role("billing"),
        approves_for=with_role("approver"),
    )


def nobody() -> Viewer:
    """Somebody who sees nothing."""
    return Viewer(kind=CONTACT, id=0)


def is_member(today: date) -> Any:
    """Whether a membership holds on a day."""
    return and_(
        or_(Membership.valid_from.is_(None), Membership.valid_from <= today),
        or_(Membership.valid_to.is_(None), Membership.valid_to > today),
    )


def may_sign_in() -> Any:
    """Whether a contact has an open account of the portal."""
    return exists().where(PortalAccount.contact_id == Contact.id, PortalAccount.closed_at.is_(None))


def was_shut_out() -> ColumnElement[bool]:
    """Whether a contact's access to the portal was taken away."""
    return exists().where(
        PortalAccount.contact_id == Contact.id, PortalAccount.closed_at.is_not(None)
    )


@scope_of(Company)
def companies(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """The companies a contact belongs to or manages."""
    return query.where(Company.id.in_(viewer.company_ids))


@scope_of(Contact)
def contacts(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """Oneself, the people of companies one manages, and colleagues who use the portal."""
    member = exists().where(Membership.contact_id == Contact.id, is_member(clock.today()))
    return query.where(
        or_(
            Contact.id == viewer.id,
            and_(
                Contact.archived_at.is_(None),
                or_(
                    member.where(Membership.company_id.in_(viewer.manages)),
                    and_(may_sign_in(), member.where(Membership.company_id.in_(viewer.near))),
                ),
            ),
        )
    )


def near_ids(company_id: int) -> list[int]:
    """Ids of the companies whose people may take part on tickets of a company."""
    return list(db.session.scalars(NEAR_COMPANY, {"company_id": company_id}))


def near_each(column: str) -> TextClause:
    """The same for each row of a select, of the company in a column (`table.column`, ours)."""
    return text(f"(with recursive mine as (select {column} as id), {NEAR} select id from near)")


def manages_each(column: str) -> ColumnElement[bool]:
    """Whether a contact manages the company in a column (`table.column`, ours), of each row."""
    over = text(
        f"(with recursive up as (select id, parent_id from company where id = {column}"
        " union select c.id, c.parent_id from company c join up on c.id = up.parent_id)"
        " select id from up)"
    )
    return exists().where(
        Membership.contact_id == Contact.id,
        Membership.role == "manager",
        Membership.company_id.in_(over),
        is_member(clock.today()),
    )


def belongs_near(company_id: int) -> ColumnElement[bool]:
    """Whether a contact may take part on tickets of a company, as far as their places go."""
    return exists().where(
        Membership.contact_id == Contact.id,
        Membership.company_id.in_(near_ids(company_id)),
        is_member(clock.today()),
    )


def people_near(company_id: int) -> Select[int]:
    """Ids of contacts with portal access who may take part on tickets of a company."""
    return select(Contact.id).where(
        Contact.archived_at.is_(None), may_sign_in(), belongs_near(company_id)
    )
