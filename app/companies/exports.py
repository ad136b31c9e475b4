"""Companies as a table that imports back as all unchanged."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.companies.models import Company
from app.core.db import db
from app.core.export import Row
from app.imports.mapping import OWN_EXTRA

COLUMNS = (
    ("Tallydesk ID", "id"),
    ("Tallydesk source", "source"),
    ("External ID", "external_id"),
    ("Name", "name"),
    ("Kind", "kind"),
    ("Parent", None),
    ("Company phone", "phone"),
    ("Company email", "email"),
    ("Website", "website"),
    ("VAT number", "tax_id"),
    ("Purchase order", "purchase_order"),
    ("Currency", "currency"),
    ("Time zone", "zone"),
    ("Language", "language"),
    ("Payment terms", "terms_days"),
    *(
        (f"{kind.capitalize()} {part}", f"{kind}_{part}")
        for kind in ("billing", "shipping")
        for part in ("street", "street2", "city", "region", "postcode", "country")
    ),
    ("Notes", "notes"),
)


def companies() -> tuple[list[str], Iterator[Row]]:
    """Headers and rows of all companies in use, by id; unknown columns of imports come last."""
    names = db.session.scalars(
        select(func.jsonb_object_keys(Company.extra).label("name"))
        .where(Company.archived_at.is_(None))
        .distinct()
        .order_by("name")
    ).all()
    headers = [header for header, _ in COLUMNS] + [f"{OWN_EXTRA}{name}" for name in names]
    return headers, _rows(list(names))


def _rows(names: list[str]) -> Iterator[Row]:
    parent = aliased(Company)
    namesakes = (
        select(func.count())
        .where(Company.name_key == parent.name_key, Company.archived_at.is_(None))
        .correlate(parent)
        .scalar_subquery()
    )
    table = Company.__table__
    query = (
        select(table, parent.name, parent.external_id, namesakes)
        .outerjoin(parent, (parent.id == table.c.parent_id) & parent.archived_at.is_(None))
        .where(table.c.archived_at.is_(None))
        .order_by(table.c.id)
        .execution_options(yield_per=1000)
    )
    for *values, parent_name, parent_external, same in db.session.execute(query):
        company: dict[str, Any] = dict(zip(table.c.keys(), values, strict=True))
        above = parent_name if same == 1 or not parent_external else parent_external
        yield [above if column is None else _cell(company[column]) for _, column in COLUMNS] + [
            str(company["extra"].get(name) or "") for name in names
        ]


def _cell(value: Any) -> Any:
    return value if isinstance(value, int) else value or ""
