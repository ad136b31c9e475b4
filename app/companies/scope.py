"""Which companies and which department a report looks at."""

from dataclasses import dataclass

from sqlalchemy import Select, select

from app.companies.models import Company
from app.core.db import db


@dataclass(frozen=True, slots=True)
class Scope:
    """None means all. A department is that of the tickets; what has no ticket has none."""

    company_ids: tuple[int, ...] | None = None
    department_id: int | None = None


def subtree_ids(company_id: int) -> tuple[int, ...]:
    """Ids of a company and all below it, in one statement."""
    return tuple(db.session.scalars(_subtree(company_id)))


def _subtree(company_id: int) -> Select[int]:
    below = select(Company.id).where(Company.id == company_id).cte("below", recursive=True)
    below = below.union(select(Company.id).join(below, Company.parent_id == below.c.id))
    return select(below.c.id).order_by(below.c.id)
