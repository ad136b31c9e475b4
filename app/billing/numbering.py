"""Gapless numbers of documents: where a year's begin, and how the next ones are taken.

They are taken from the series' row in the issuing transaction, locked last.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from app.billing.documents.content import GENESIS
from app.billing.models import Series
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError

LARGEST = 99_999_999
PATTERNS = {"invoice": "INV-{yyyy}-{n:05}", "credit_note": "CN-{yyyy}-{n:05}"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers that are ours once the transaction commits, and the hash they are chained to."""

    series_id: int
    first: int
    year: int
    pattern: str
    last_hash: str

    def number(self, offset: int) -> str:
        return self.pattern.format(yyyy=self.year, n=self.first + offset)


def take_numbers(kind: str, count: int, *, on: date) -> Numbers:
    """Take the next numbers of the year's series; holds its row until the commit.

    A new year's series begins at 1 with the pattern of the last. Refuses a date before the last
    one issued, so that dates never decrease along the numbers.
    """
    db.session.execute(
        text(
            "insert into series (kind, year, pattern)"
            " select cast(:kind as varchar), :year, coalesce("
            " (select pattern from series where kind = cast(:kind as varchar)"
            " order by year desc limit 1), cast(:pattern as varchar)) on conflict do nothing"
        ),
        {"kind": kind, "year": on.year, "pattern": PATTERNS[kind]},
    )
    row = db.session.execute(
        text(
            "update series set next_no = next_no + :count, last_date = cast(:on as date)"
            " where kind = :kind and year = :year"
            " and not exists (select from series s where s.kind = :kind and s.last_date > :on)"
            " returning id, next_no - :count, pattern, last_hash"
        ),
        {"count": count, "on": on, "kind": kind, "year": on.year},
    ).first()
    if row is None:
        raise RuleError(
            f"{on} is before the date of the last {kind.replace('_', ' ')} issued:"
            " numbers and dates must rise together, so choose a later date."
        )
    series_id, first, pattern, last_hash = row
    return Numbers(series_id, first, on.year, pattern, last_hash or GENESIS)


def chain_to(numbers: Numbers, last_hash: str) -> None:
    """Remember the hash that the next document of the series is chained to."""
    db.session.execute(
        text("update series set last_hash = :hash where id = :id"),
        {"hash": last_hash, "id": numbers.series_id},
    )


def begin_invoices_at(number: int, *, year: int, actor: Actor) -> None:
    """Make `number` the next invoice number of a year: for an agency that comes from elsewhere.

    Raises `RuleError` when it is no usable number, or an invoice of that year is issued already:
    from then on numbers follow one another without a gap.
    """
    if number == next_invoice_number(year):
        return
    if problems := problems_of_beginning(number, year):
        raise RuleError(*problems)
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
    if changed is None:  # the first one was issued this very moment
        raise RuleError(_goes_on(year))
    record(actor, "numbering.begin", kind="series", id=changed, after={"next": number})


def problems_of_beginning(number: int, year: int) -> list[str]:
    """Why invoices of a year cannot go on with a number."""
    if not 1 <= number <= LARGEST:
        return [f"The next invoice number must lie between 1 and {LARGEST}, not {number}."]
    if number == next_invoice_number(year):
        return []
    begun = select(Series.id).where(
        Series.kind == "invoice", Series.year == year, Series.next_no > Series.first_no
    )
    return [_goes_on(year)] if db.session.scalar(begun) else []


def _goes_on(year: int) -> str:
    return f"Invoices of {year} are issued already: their numbers go on without a gap."


def next_invoice_number(year: int) -> int:
    """The number that the next invoice of a year gets."""
    wanted = select(Series.next_no).where(Series.kind == "invoice", Series.year == year)
    return db.session.scalar(select(func.coalesce(wanted.scalar_subquery(), 1))) or 1
