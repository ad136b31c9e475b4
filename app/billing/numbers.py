"""Gapless numbers: taken from the series' row in the issuing transaction, locked last."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.billing.documents.content import GENESIS
from app.core.db import db
from app.core.errors import RuleError

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
            " and (last_date is null or last_date <= cast(:on as date))"
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
