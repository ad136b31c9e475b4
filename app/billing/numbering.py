"""Where an agency's invoice numbers begin."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.billing.models import Series
from app.billing.numbers import PATTERNS
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError

LARGEST = 99_999_999


def begin_invoices_at(number: int, *, year: int, actor: Actor) -> None:
    """Make `number` the next invoice number of a year: for an agency that comes from elsewhere.

    Raises `RuleError` when it is no usable number, or an invoice of that year is issued already:
    from then on numbers follow one another without a gap.
    """
    if not 1 <= number <= LARGEST:
        raise RuleError(f"The next invoice number must lie between 1 and {LARGEST}, not {number}.")
    series = insert(Series).values(
        kind="invoice",
        year=year,
        pattern=PATTERNS["invoice"],
        first_no=number,
        next_no=number,
    )
    changed = db.session.scalar(
        series.on_conflict_do_update(
            index_elements=["kind", "year"],
            set_={"first_no": number, "next_no": number},
            where=(Series.next_no == Series.first_no),
        ).returning(Series.id)
    )
    if changed is None:
        raise RuleError(
            f"Invoices of {year} are issued already: their numbers go on without a gap."
        )
    record(actor, "numbering.begin", kind="series", id=changed, after={"next": number})


def next_invoice_number(year: int) -> int:
    """The number that the next invoice of a year gets."""
    wanted = select(Series.next_no).where(Series.kind == "invoice", Series.year == year)
    return db.session.scalar(select(func.coalesce(wanted.scalar_subquery(), 1))) or 1
